import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

/** What a file's bytes are, so that any later copy can be held to it. Hashes in hex. */
export interface Digest {
  readonly byteLength: number;
  /** How many line feeds there are. */
  readonly lineCount: number;
  readonly sha1: string;
  readonly sha256: string;
}

const LINE_FEED = 0x0a;

/** Reads a stream to its end and says what it held; what is in memory is one chunk. */
export async function digestOf(source: Readable): Promise<Digest> {
  const sha1 = createHash('sha1');
  const sha256 = createHash('sha256');
  let byteLength = 0;
  let lineCount = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    sha1.update(chunk);
    sha256.update(chunk);
    byteLength += chunk.length;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) {
      lineCount += 1;
    }
  }
  return { byteLength, lineCount, sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}
