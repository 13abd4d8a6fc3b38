import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { repositoryRoot } from '../devstack/repository-root';

/** The rooms, what each may import, and from where it may take types only. The table of docs/architecture.md. */
const ROOMS: Record<string, { imports: readonly string[]; typesFrom?: readonly string[] }> = {
  platform: { imports: [] },
  catalog: { imports: [] },
  integrations: { imports: ['platform'] },
  entities: { imports: ['platform', 'catalog'] },
  workflows: { imports: [], typesFrom: ['activities', 'entities'] },
  activities: { imports: ['entities', 'integrations', 'platform', 'catalog'] },
  api: {
    imports: ['entities', 'integrations', 'platform', 'catalog', 'workflows/contracts'],
  },
  worker: {
    imports: [
      'activities',
      'entities',
      'integrations',
      'platform',
      'catalog',
      'workflows/contracts',
    ],
  },
  cli: {
    imports: ['entities', 'integrations', 'platform', 'catalog', 'workflows/contracts'],
  },
};
const FREE_ROOMS = ['devstack', 'bench', 'prove', 'test'];
const MOST_LINES = 300;
const VAGUE = /^(utils?|helpers?|common|manager|service|services|misc|shared)\.ts$/;

const root = repositoryRoot();
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
const sources = Object.keys(ROOMS).flatMap(files);
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/** The imports of our own files, as paths from the root. */
function importsOf(file: string): Import[] {
  const found = textOf(file).matchAll(
    /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'(\.[^']*)'/gm,
  );
  return [...found].map(([, type, path]) => ({
    target: relative('.', normalize(join(dirname(file), path ?? ''))),
    typeOnly: type !== undefined,
  }));
}

describe('the house', () => {
  it.each(Object.entries(ROOMS))('lets %s import only what its row allows', (room, rules) => {
    const strangers = files(room).flatMap((file) =>
      importsOf(file)
        .filter(({ target, typeOnly }) => {
          const other = target.split('/')[0] ?? '';
          if (other === room) return false;
          const allowed = rules.imports.includes(other) || rules.imports.includes(target);
          return !allowed && !(typeOnly && rules.typesFrom?.includes(other));
        })
        .map(({ target }) => `${file} imports ${target}`),
    );
    expect(strangers).toEqual([]);
  });

  it('has a row for every folder that holds sources', () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .filter((name) => !['node_modules', 'dist', 'docs', 'tools', 'coverage'].includes(name));
    expect(folders.sort()).toEqual([...Object.keys(ROOMS), ...FREE_ROOMS].sort());
  });

  it('names files in kebab-case, after what they hold', () => {
    const odd = sources.filter((file) => {
      const name = basename(file);
      const isMigration = file.startsWith('entities/migrations/');
      return VAGUE.test(name) || !(isMigration || /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name));
    });
    expect(odd).toEqual([]);
  });

  it('keeps files short: none over 300 lines, the median under 100', () => {
    const lengths = sources
      .map((file) => ({ file, lines: textOf(file).split('\n').length }))
      .sort((a, b) => a.lines - b.lines);
    expect(lengths.filter(({ lines }) => lines > MOST_LINES)).toEqual([]);
    expect(lengths[Math.floor(lengths.length / 2)]?.lines).toBeLessThan(100);
  });

  it('names each operation once', () => {
    const twice = files('api')
      .filter((file) => !file.startsWith('api/http/'))
      .flatMap((file) => [...textOf(file).matchAll(/^ {2}name: '(\w+)'/gm)].map(([, name]) => name))
      .filter((name, i, all) => all.indexOf(name) !== i);
    expect(twice).toEqual([]);
  });

  it('speaks of itself alone: no default exports, no leftovers to be done', () => {
    const leftovers = sources.filter((file) => /\b(TODO|FIXME|XXX|HACK)\b/.test(textOf(file)));
    expect(leftovers).toEqual([]);
  });
});
