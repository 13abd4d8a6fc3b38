import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import { Fault } from '../../platform/fault';
import { jsonDepth } from '../../platform/json-source';

export const BODY_LIMIT_BYTES = 1_048_576;
const DEEPEST = 100;

export interface JsonBody {
  /** The body as it came; '' where there was none. */
  readonly text: string;
  readonly fields: Record<string, unknown>;
}

/**
 * Reads a JSON body: an object, in UTF-8, at most `maxBytes` (1 MiB) and 100 levels deep. No bytes at all mean `{}`.
 * Throws payload_too_large, unsupported_media_type, invalid_json or invalid_request.
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes = BODY_LIMIT_BYTES,
): Promise<JsonBody> {
  refuseEncoding(request);
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) return { text: '', fields: {} };
  refuseMediaType(request);
  const text = decode(bytes);
  if (jsonDepth(text) > DEEPEST) {
    throw new Fault('invalid_json', {
      message: `The request body is nested deeper than ${DEEPEST} levels.`,
    });
  }
  const value = parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Fault('invalid_request', {
      message: 'The request body must be a JSON object.',
      details: { issues: [{ path: '', message: 'must be a JSON object' }] },
    });
  }
  return { text, fields: value as Record<string, unknown> };
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  try {
    return await getRawBody(request, {
      limit: maxBytes,
      length: request.headers['content-length'] ?? null,
    });
  } catch (error) {
    const { type } = error as { type?: string };
    if (type === 'entity.too.large') {
      throw new Fault('payload_too_large', {
        hint: `Send at most ${maxBytes} bytes.`,
        cause: error,
      });
    }
    throw new Fault('invalid_json', {
      message: 'The request body ended before it was complete.',
      cause: error,
    });
  }
}

function refuseEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Fault('unsupported_media_type', {
      message: `The content encoding ${quoted(encoding)} is not supported.`,
    });
  }
}

function refuseMediaType(request: IncomingMessage): void {
  const header = request.headers['content-type'];
  if (header === undefined) return;
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  if (!/^application\/([a-z0-9.+-]+\+)?json$/.test(type)) {
    throw new Fault('unsupported_media_type', {
      message: `The media type ${quoted(type)} is not supported.`,
    });
  }
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw new Fault('unsupported_media_type', {
      message: `The charset ${quoted(charset)} is not supported.`,
    });
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Fault('invalid_json', { message: 'The request body is not UTF-8.', cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Fault('invalid_json', { cause });
  }
}
