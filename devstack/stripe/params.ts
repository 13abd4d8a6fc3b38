/** A call that Stripe would refuse. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** What a call came with, decoded from its form. */
export type Params = Record<string, unknown>;

/** The object of an id. Throws Refused (404), as Stripe says it. */
export function found<Thing>(kept: ReadonlyMap<string, Thing>, kind: string, id: string): Thing {
  const thing = kept.get(id);
  if (thing === undefined) throw new Refused(404, `No such ${kind}: '${id}'`);
  return thing;
}

/** Metadata: names and strings. */
export function strings(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, item]) => [key, String(item)]));
}

/** A parameter that is a text; null where it isn't one. */
export function text(params: Params, name: string): string | null {
  const value = params[name];
  return typeof value === 'string' ? value : null;
}
