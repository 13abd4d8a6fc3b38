import type { Readable } from 'node:stream';

const READ_BYTES = 16 * 1_024;
const KEPT_BYTES = 1_024;

/** Reads at most 16 KiB of an answer, never longer than the signal allows, and keeps its first 1 KiB as text. */
export async function readExcerpt(body: Readable, signal: AbortSignal): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  const abort = (): void => void body.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= READ_BYTES) break;
    }
  } catch {
    // What came before the connection broke is kept; the status line has decided already.
  } finally {
    signal.removeEventListener('abort', abort);
    body.destroy();
  }
  return length === 0 ? null : excerptOf(Buffer.concat(chunks));
}

/** The first 1 KiB as text: never a cut inside a character, no NUL (Postgres holds none), bad bytes replaced. */
export function excerptOf(bytes: Buffer): string {
  const kept = new TextDecoder('utf-8').decode(
    bytes.subarray(0, wholeCharacters(bytes, KEPT_BYTES)),
  );
  return kept.replaceAll('\u0000', '');
}

/** The greatest length ≤ max at which a UTF-8 text can be cut without splitting a character. */
function wholeCharacters(bytes: Buffer, max: number): number {
  if (bytes.length <= max) return bytes.length;
  let end = max;
  while (end > max - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}
