import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import builtIn from '../../catalog/catalog.json';
import { loadCatalog } from '../../catalog/load-catalog';

function file(change: (copy: typeof builtIn) => void): string {
  const copy = structuredClone(builtIn);
  change(copy);
  const path = join(
    mkdtempSync(join(process.env['TEST_FOLDER'] ?? '', 'catalog-')),
    'catalog.json',
  );
  writeFileSync(path, JSON.stringify(copy));
  return path;
}

describe('loading the catalogue', () => {
  it('knows the contract’s plans', () => {
    const catalog = loadCatalog();
    const shape = catalog.plans.map((plan) => [
      plan.key,
      plan.seatsIncluded,
      plan.apiKeysIncluded,
      plan.requestsPerMinute,
      plan.quotas.ai_queries,
    ]);
    expect(shape).toEqual([
      ['sandbox_grant', 1, 1, 120, 10],
      ['payg', 1, 2, 300, null],
      ['personal', 1, 3, 600, 600],
      ['team', 5, 10, 3_000, 3_000],
      ['commercial', 25, 25, 10_000, 10_000],
    ]);
  });

  it('prices a unit at the plan’s discount, rounded half up to a micro-dollar', () => {
    const catalog = loadCatalog();
    expect(catalog.unitMicros('payg', 'delivery_events')).toBe(500n);
    expect(catalog.unitMicros('team', 'delivery_events')).toBe(400n);
    expect(catalog.unitMicros('team', 'control_plane')).toBe(0n);
    const odd = loadCatalog(
      file((copy) => {
        for (const family of copy.meterFamilies) family.unitAmountUsd = '0.000005';
        for (const plan of copy.plans) plan.discountPercent = '10';
      }),
    );
    expect(odd.unitMicros('team', 'light_read')).toBe(5n);
  });

  it('takes known types, prefixes and * in subscriptions, and only producible ones from producers', () => {
    const catalog = loadCatalog();
    for (const pattern of ['*', 'filing.*', 'billing.budget.*', 'ping']) {
      expect(catalog.isSubscribable(pattern)).toBe(true);
    }
    for (const pattern of ['no.such', 'no.*', 'fil.*', '', '.*']) {
      expect(catalog.isSubscribable(pattern)).toBe(false);
    }
    expect(catalog.isProducible('filing.published')).toBe(true);
    expect(catalog.isProducible('ping')).toBe(false);
  });

  it('names every fault of a wrong file at once', () => {
    const path = file((copy) => {
      copy.plans = copy.plans.filter((plan) => plan.key !== 'sandbox_grant');
      const [first] = copy.meterClasses;
      if (first) copy.meterClasses.push({ ...first, family: 'nowhere' });
    });
    const load = () => loadCatalog(path);
    expect(load).toThrow('plans: sandbox_grant is missing');
    expect(load).toThrow('control_plane stands twice');
    expect(load).toThrow('unknown family nowhere');
    expect(() => loadCatalog('/no/such/file')).toThrow(/ENOENT/);
  });
});
