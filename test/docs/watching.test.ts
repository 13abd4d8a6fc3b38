import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { parse } from 'yaml';
import { createHttpMetrics } from '../../api/http/http-metrics';
import { createSocketMetrics } from '../../api/streams/socket-metrics';
import { repositoryRoot } from '../../devstack/repository-root';
import { createIgnoredEvents } from '../../integrations/stripe';
import { createMetrics, createSpanCounters, registerPool } from '../../platform/metrics';
import { createDeliveryMetrics } from '../../worker/delivery-metrics';
import { registerWork } from '../../worker/work-metrics';

const read = (file: string): string => readFileSync(join(repositoryRoot(), file), 'utf8');

/** Every metric of an API and a worker, by name, with its kind. */
function metricKinds(): Map<string, string> {
  const worker = createMetrics();
  createDeliveryMetrics(worker);
  registerPool(worker, () => null);
  registerWork(worker, {
    figures: () => Promise.reject(new Error('none')),
    temporal: () => null,
    isTemporalUp: () => false,
  });
  createIgnoredEvents(worker);
  createSpanCounters(worker);
  const api = createHttpMetrics().registry;
  createSocketMetrics(api);
  const all = [worker, api].flatMap((registry: Registry) => registry.getMetricsAsArray());
  return new Map(all.map(({ name, type }) => [name, String(type)]));
}

const kinds = metricKinds();

function unknownIn(expressions: readonly string[]): string[] {
  return expressions
    .flatMap((text) => text.match(/secapi_\w+/g) ?? [])
    .filter((name) => {
      if (kinds.has(name)) return false;
      const base = name.replace(/_(bucket|sum|count)$/, '');
      return kinds.get(base) !== 'histogram';
    });
}

describe('what is watched', () => {
  const dashboard = JSON.parse(read('docs/grafana/secapi-enterprise.json')) as {
    panels: { id: number; title: string; targets: { expr: string }[] }[];
  };
  const rules = (
    parse(read('docs/prometheus/alerts.yaml')) as {
      groups: { rules: { alert: string; expr: string; for: string }[] }[];
    }
  ).groups.flatMap((group) => group.rules);

  it('has names with units, as Prometheus’ conventions have them', () => {
    const own = [...kinds].filter(([name]) => !/^secapi_(nodejs|process)_/.test(name));
    for (const [name, kind] of own) {
      expect(name.endsWith('_total')).toBe(kind === 'counter');
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  it('is named on the dashboard as the processes name it', () => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(15);
    expect(unknownIn(expressions)).toEqual([]);
    expect(unknownIn(['rate(secapi_no_such_total[5m])'])).toHaveLength(1);
  });

  it('is named in the alert rules as the processes name it', () => {
    expect(unknownIn(rules.map(({ expr }) => expr))).toEqual([]);
  });

  it('shows every metric of ours on the dashboard', () => {
    const text = JSON.stringify(dashboard);
    const own = [...kinds.keys()].filter((name) => !/^secapi_(nodejs|process)_/.test(name));
    expect(own.filter((name) => !text.includes(name))).toEqual([]);
  });

  it('has a row in the operator’s guide for each alert, and no row for another', () => {
    const section = read('docs/operating.md').split('## When an alert fires')[1] ?? '';
    const rows = [...section.matchAll(/^\| \*\*(\w+)\*\*/gm)].map(([, name]) => name);
    expect(rows).toEqual(rules.map(({ alert }) => alert));
  });
});
