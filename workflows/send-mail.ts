import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { MailActivities } from '../activities/send-mail';
import type { SendMail } from './contracts';

const { sendMail: send } = proxyActivities<MailActivities>({
  startToCloseTimeout: '60 s',
  scheduleToCloseTimeout: '72 h',
  retry: { initialInterval: '5 s', maximumInterval: '30 min' },
});

/** Sends one mail, trying for 72 hours. */
export async function sendMail({ mailId }: SendMail): Promise<string> {
  setCurrentDetails('being sent');
  const outcome = await send(mailId);
  setCurrentDetails(outcome.replaceAll('_', ' '));
  return outcome;
}
