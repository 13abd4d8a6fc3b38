import { readFileSync } from 'node:fs';
import builtIn from './catalog.json';
import { catalogFile, type CatalogFile, type MeterClass, type Plan } from './schema';

/** What is sold and what may happen: checked, frozen, with quick look-ups. */
export interface Catalog {
  readonly rateCardVersion: string;
  readonly contactUrl: string;
  readonly plans: readonly Plan[];
  readonly meterFamilies: CatalogFile['meterFamilies'];
  readonly meterClasses: readonly MeterClass[];
  readonly eventTypes: CatalogFile['eventTypes'];
  readonly quotaFamilies: CatalogFile['quotaFamilies'];
  plan(key: string): Plan | undefined;
  meterClass(key: string): MeterClass | undefined;
  /** What one unit costs on a plan, in micro-dollars: the family's rate less the plan's discount, rounded half up once. */
  unitMicros(planKey: string, meterClass: string): bigint;
  /** The same for a whole family. */
  familyMicros(planKey: string, family: string): bigint;
  /** The meter class that prices a route, `GET /v1/filings/{id}` as it is written in the catalogue or as it is called. */
  classOfRoute(method: string, path: string): MeterClass | undefined;
  /** Whether a subscription may name this: `*`, `prefix.*` that takes in a known type, or a known type. */
  isSubscribable(pattern: string): boolean;
  /** Whether producers may publish this type (the system emits the others itself). */
  isProducible(type: string): boolean;
}

/** Thrown for a catalogue that can't be used; its message lists every fault, one a line. */
export class CatalogError extends Error {
  constructor(
    name: string,
    readonly faults: readonly string[],
  ) {
    super(`${name} has ${faults.length} fault(s):\n  - ${faults.join('\n  - ')}`);
  }
}

/** What the system itself needs to find in any catalogue. */
const REQUIRED_PLAN = 'sandbox_grant';
const REQUIRED_CLASSES = ['control_plane', 'delivery_events', 'artifact_jobs'];
const REQUIRED_TYPES = builtIn.eventTypes.filter((known) => !known.producible);

/** What is wrong with the catalogue at `path` (none: the built-in one), one fault a line; nothing where it can be used. */
export function catalogFaults(path = ''): string[] {
  try {
    loadCatalog(path);
    return [];
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return error.faults.map((fault) => `CATALOG_PATH: ${fault}`);
  }
}

/** Loads the built-in catalogue, or the operator's file at `path`. Throws CatalogError with every fault at once. */
export function loadCatalog(path = ''): Catalog {
  const name = path === '' ? 'the built-in catalogue' : path;
  const parsed = catalogFile.safeParse(path === '' ? builtIn : readJson(path));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new CatalogError(name, faults);
  }
  const faults = inconsistencies(parsed.data);
  if (faults.length > 0) throw new CatalogError(name, faults);
  return indexed(parsed.data);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CatalogError(path, [cause instanceof Error ? cause.message : String(cause)]);
  }
}

function inconsistencies(file: CatalogFile): string[] {
  const families = new Set(file.meterFamilies.map((family) => family.key));
  const routes = file.meterClasses.flatMap((meter) => meter.routes);
  const system = file.eventTypes.filter((known) => !known.producible).map((known) => known.type);
  return [
    ...repeated(file.plans.map((plan) => plan.key)).map((key) => `plans: ${key} stands twice`),
    ...repeated([...file.meterFamilies.map((f) => f.key)]).map(
      (key) => `meterFamilies: ${key} stands twice`,
    ),
    ...repeated(file.meterClasses.map((c) => c.key)).map(
      (key) => `meterClasses: ${key} stands twice`,
    ),
    ...repeated(routes).map((route) => `meterClasses: two classes price ${route}`),
    ...repeated(file.eventTypes.map((e) => e.type)).map(
      (type) => `eventTypes: ${type} stands twice`,
    ),
    ...file.meterClasses
      .filter((meter) => !families.has(meter.family))
      .map((meter) => `meterClasses.${meter.key}: unknown family ${meter.family}`),
    ...Object.entries(file.quotaFamilies)
      .filter(([, family]) => !families.has(family))
      .map(([quota, family]) => `quotaFamilies.${quota}: unknown family ${family}`),
    ...(file.plans.some((plan) => plan.key === REQUIRED_PLAN)
      ? []
      : [`plans: ${REQUIRED_PLAN} is missing`]),
    ...REQUIRED_CLASSES.filter((key) => !file.meterClasses.some((meter) => meter.key === key)).map(
      (key) => `meterClasses: ${key} is missing`,
    ),
    ...REQUIRED_TYPES.filter(({ type }) => !system.includes(type)).map(
      ({ type }) => `eventTypes: ${type} is missing, or producible though the system emits it`,
    ),
    ...file.plans
      .filter((plan) => Number(plan.discountPercent) > 100)
      .map((plan) => `plans.${plan.key}.discountPercent: over 100`),
  ];
}

function repeated(keys: readonly string[]): string[] {
  return [...new Set(keys.filter((key, i) => keys.indexOf(key) !== i))];
}

function indexed(file: CatalogFile): Catalog {
  const plans = new Map(file.plans.map((plan) => [plan.key, plan]));
  const classes = new Map(file.meterClasses.map((meter) => [meter.key, meter]));
  const types = new Map(file.eventTypes.map((known) => [known.type, known]));
  const rates = new Map<string, bigint>();
  const routes = file.meterClasses.flatMap((meter) =>
    meter.routes.map((route) => ({ meter, test: routeTest(route) })),
  );
  for (const plan of file.plans) {
    for (const meter of file.meterClasses) {
      const family = file.meterFamilies.find((known) => known.key === meter.family);
      rates.set(`${plan.key} ${meter.key}`, discounted(family?.unitAmountUsd ?? '0', plan));
    }
  }
  return Object.freeze({
    ...file,
    plan: (key: string) => plans.get(key),
    meterClass: (key: string) => classes.get(key),
    unitMicros(planKey: string, meterClass: string) {
      const rate = rates.get(`${planKey} ${meterClass}`);
      if (rate === undefined) throw new Error(`no rate for ${meterClass} on ${planKey}`);
      return rate;
    },
    familyMicros(planKey: string, family: string) {
      const plan = plans.get(planKey);
      const known = file.meterFamilies.find(({ key }) => key === family);
      if (!plan || !known) throw new Error(`no rate for ${family} on ${planKey}`);
      return discounted(known.unitAmountUsd, plan);
    },
    classOfRoute: (method: string, path: string) =>
      routes.find(({ test }) => test(`${method.toUpperCase()} ${path}`))?.meter,
    isSubscribable(pattern: string) {
      if (pattern === '*' || types.has(pattern)) return true;
      if (!pattern.endsWith('.*')) return false;
      const prefix = pattern.slice(0, -1);
      return file.eventTypes.some(({ type }) => type.startsWith(prefix));
    },
    isProducible: (type: string) => types.get(type)?.producible ?? false,
  });
}

/** Whether a call is of a route; a `{part}` stands for one segment. */
function routeTest(route: string): (call: string) => boolean {
  const literal = (text: string): string => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  const pattern = route
    .split(/\{[^}]*\}/)
    .map(literal)
    .join('[^/]+');
  const expression = new RegExp(`^${pattern}$`);
  return (call) => call === route || expression.test(call);
}

/** Micro-dollars of a decimal string less the plan's discount, rounded half up. Exact: no floating point. */
function discounted(usd: string, plan: Plan): bigint {
  const micros = scaled(usd, 6);
  const keptOfTenThousand = 10_000n - scaled(plan.discountPercent, 2);
  return (micros * keptOfTenThousand + 5_000n) / 10_000n;
}

function scaled(decimal: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(digits, '0'));
}
