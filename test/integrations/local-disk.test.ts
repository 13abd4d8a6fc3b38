import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createLocalDisk } from '../../integrations/storage';

describe('a local disk', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'secapi-disk-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps what was there, and fails as a call does, where the new source cannot be read', async () => {
    const disk = createLocalDisk(folder);
    await disk.put('acme/report.json', () => Readable.from(['first']));
    const missing = (): Readable => createReadStream(join(folder, 'missing'));
    await expect(disk.put('acme/report.json', missing)).rejects.toThrow(/ENOENT/);
    const kept = await disk.get('acme/report.json');
    expect(kept && (await text(kept))).toBe('first');
    expect(readdirSync(join(folder, 'acme'))).toEqual(['report.json']);
  });
});
