import { centsFromMicros } from '../platform/money';
import type { Config } from '../platform/config';
import { createSecretBox, type SecretBox } from '../platform/secret-box';
import { createLinkSigner, type LinkSigner } from '../platform/signed-link';
import { billingManagers } from './billing-managers';
import type { BudgetApproval } from './budget-approval';
import { queueMail } from './mail';
import type { Executor } from './sql';

/** What mails about approvals are made with. */
export interface ApprovalMailing {
  readonly secrets: SecretBox;
  readonly links: LinkSigner;
  readonly publicUrl: string;
}

export function approvalMailing(
  config: Pick<Config, 'SECRETS_KEY' | 'PUBLIC_URL'>,
): ApprovalMailing {
  return {
    secrets: createSecretBox(config.SECRETS_KEY),
    links: createLinkSigner(config.SECRETS_KEY, 'approval links'),
    publicUrl: config.PUBLIC_URL,
  };
}

/** Mails every billing manager a link of their own with which to decide, once. */
export async function mailApproval(
  tx: Executor,
  approval: BudgetApproval,
  kind: 'asked' | 'reminder',
  { secrets, links, publicUrl }: ApprovalMailing,
  now: Date,
): Promise<void> {
  const dollars = (micros: bigint): string => `$${(centsFromMicros(micros) / 100).toFixed(2)}`;
  const ceiling = dollars(approval.ceilingMicros);
  for (const { userId, email } of await billingManagers(tx, approval.orgId)) {
    const token = links.sign(approval.id, userId);
    const link = `${publicUrl}/approvals/decide?id=${approval.id}&by=${userId}&token=${token}`;
    const mail = {
      orgId: approval.orgId,
      recipients: [email],
      requestId: approval.requestId,
      subject: `${kind === 'reminder' ? 'Reminder: approve' : 'Approve'} spend over ${ceiling}?`,
      text: [
        `Work is waiting: spend of ${approval.period} would go over ${ceiling} (used: ${dollars(approval.accruedMicros)}).`,
        '',
        `Decide: ${link}`,
        '',
        `The link is for you alone and works until somebody has decided, at the latest until ${approval.expiresAt.toISOString()}.`,
      ].join('\n'),
    };
    await queueMail(tx, mail, secrets, now);
  }
}
