import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** The process's logger: one JSON line a fact. Header and field names that may carry secrets are never written. */
export function createLog(name: string, level: string, destination?: DestinationStream): Log {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['*.secret', '*.signingSecret', '*.authorization', '*["x-api-key"]', '*.token'],
      censor: '[hidden]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
