import { readUnsentMail } from '../../entities/mail';
import { run, statement } from '../../entities/sql';
import type { TestApi } from './api';

const newest = statement<{ id: string }>(
  'test-newest-mail',
  `SELECT id FROM mails WHERE $1 = ANY (recipients) ORDER BY id DESC LIMIT 1`,
);

/** The text of the newest mail that waits for an address. */
export async function newestMail(api: TestApi, email: string): Promise<string> {
  const [row] = await run(api.database.db, newest, [email]);
  const mail = row && (await readUnsentMail(api.database.db, row.id, api.context.secrets));
  if (!mail) throw new Error(`no mail waits for ${email}`);
  return mail.text;
}

/** The token in the newest invitation of an address. */
export async function tokenFor(api: TestApi, email: string): Promise<string> {
  const [token] = /secapi_inv_[\w-]+/.exec(await newestMail(api, email)) ?? [];
  if (!token) throw new Error(`the mail to ${email} holds no token`);
  return token;
}
