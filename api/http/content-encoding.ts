import { pipeline, type Readable } from 'node:stream';
import { constants, createGzip, gzipSync } from 'node:zlib';
import type { Context } from 'koa';

/** Shorter texts go out as they are. */
const WORTH_BYTES = 65_536;

/**
 * A body as the caller takes it: gzip where asked, for streams and long texts. Every chunk of a stream is flushed, so
 * that it arrives when it was written; a stream that breaks leaves a gzip without its end. A stored file, whose length
 * is told, goes out as it is: its parts and its checksum are those of its bytes.
 */
export function encoded(ctx: Context, body: string | Readable): string | Buffer | Readable {
  if (typeof body === 'string' && body.length < WORTH_BYTES) return body;
  if (ctx.res.hasHeader('Content-Length')) return body;
  ctx.vary('Accept-Encoding');
  if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') return body;
  ctx.set('Content-Encoding', 'gzip');
  const level = constants.Z_BEST_SPEED;
  if (typeof body === 'string') return gzipSync(body, { level });
  return pipeline(body, createGzip({ level, flush: constants.Z_SYNC_FLUSH }), () => undefined);
}
