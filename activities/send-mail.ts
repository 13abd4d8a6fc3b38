import type { DataSource } from 'typeorm';
import { markMailSent, readUnsentMail } from '../entities/mail';
import type { Mailer } from '../integrations/mail';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import type { SecretBox } from '../platform/secret-box';

/** What a mail's workflow asks of the world. Safe to repeat: a mail that was sent is not sent again. */
export interface MailActivities {
  /** Sends the mail of this id. Answers what became of it. */
  sendMail(mailId: string): Promise<'sent' | 'nothing_to_send' | 'no_mail_configured'>;
}

export function createMailActivities(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: SecretBox;
  readonly mailer: Mailer | null;
}): MailActivities {
  const { db, clock, log, secrets, mailer } = deps;
  return {
    async sendMail(mailId) {
      const mail = await readUnsentMail(db, mailId, secrets);
      if (!mail) return 'nothing_to_send';
      if (!mailer) {
        log.warn({ mailId, subject: mail.subject }, 'a mail is not sent: set SMTP_URL');
        return 'no_mail_configured';
      }
      const { recipients, subject, text } = mail;
      await mailer.send({ id: mailId, to: recipients, subject, text });
      await markMailSent(db, mailId, clock.now());
      return 'sent';
    },
  };
}
