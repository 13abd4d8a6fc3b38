import type { Server } from 'node:net';
import { StartError } from './or-exit';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not',
};

/** Listens there. Throws a StartError that says why it can't, and which setting names another place. */
export function listenOn(
  server: Server,
  at: { readonly host: string; readonly port: number; readonly setting: 'PORT' | 'WORKER_PORT' },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const reason = REASONS[error.code ?? ''] ?? error.message;
      reject(
        new StartError(
          `Can't listen on ${at.host}:${at.port}: ${reason}. Set HOST or ${at.setting} to another.`,
        ),
      );
    };
    server.once('error', refuse);
    server.listen(at.port, at.host, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}
