import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

export interface MailMessage {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Names the mail across repetitions (its Message-ID). */
  readonly id: string;
}

export interface Mailer {
  /** Hands the mail over. Throws where that fails. Repeated, it goes out under the same Message-ID, to the same file. */
  send(message: MailMessage): Promise<void>;
}

const TIMEOUT_MS = 10_000;

/** Mail over SMTP where a URL is set, else as files in a folder, else nowhere (then `null`). */
export function createMailer(options: {
  readonly smtpUrl: string;
  readonly from: string;
  readonly folder: string;
}): Mailer | null {
  const { smtpUrl, from, folder } = options;
  if (smtpUrl !== '') {
    const transport = createTransport({
      url: smtpUrl,
      connectionTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
    });
    return {
      async send({ to, subject, text, id }) {
        await transport.sendMail({
          from,
          to: [...to],
          subject,
          text,
          messageId: messageId(id, from),
        });
      },
    };
  }
  if (folder === '') return null;
  return {
    async send({ to, subject, text, id }) {
      mkdirSync(folder, { recursive: true });
      const head = [`From: ${from}`, `To: ${to.join(', ')}`, `Subject: ${subject}`];
      const whole = [...head, `Message-ID: ${messageId(id, from)}`, '', text, ''].join('\n');
      writeFileSync(join(folder, `${id}.eml`), whole, { mode: 0o600 });
    },
  };
}

function messageId(id: string, from: string): string {
  const host = /@([^>\s]+)/.exec(from)?.[1] ?? 'localhost';
  return `<${id}@${host}>`;
}
