import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/**
 * The process's logger: one JSON line a fact. Header and field names that may carry secrets are never written, nor the
 * binary metadata that Temporal's errors carry.
 */
export function createLog(name: string, level: string, destination?: DestinationStream): Log {
  const options = {
    name,
    level,
    serializers: {
      err: (error: unknown) => {
        if (!(error instanceof Error)) return error;
        const { metadata: _, ...told } = pino.stdSerializers.err(error);
        return told;
      },
    },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['*.secret', '*.signingSecret', '*.authorization', '*["x-api-key"]', '*.token'],
      censor: '[hidden]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
