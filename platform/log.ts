import pino, { type Logger } from 'pino';

export type Log = Logger;

/** The process's logger: one JSON line a fact. Header and field names that may carry secrets are never written. */
export function createLog(name: string, level: string): Log {
  return pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['*.secret', '*.signingSecret', '*.authorization', '*["x-api-key"]', '*.token'],
      censor: '[hidden]',
    },
  });
}
