import type { ClaimedAttempt } from '../entities/claim-attempt';
import type { AttemptOutcome } from '../entities/record-attempt';
import { parseRetryAfter, type WebhookSender } from '../integrations/webhook-sender';
import type { Clock } from '../platform/clock';
import type { SecretBox } from '../platform/secret-box';
import { signDelivery } from '../platform/signature';
import type { Tracer } from '../platform/trace';
import { endAttemptSpan, startAttemptSpan } from './attempt-span';

/** Signs and sends a claimed attempt. Never throws for what the endpoint does. */
export type MakeAttempt = (claimed: ClaimedAttempt) => Promise<AttemptOutcome>;

export function createMakeAttempt(deps: {
  readonly clock: Clock;
  readonly secrets: SecretBox;
  readonly sender: WebhookSender;
  readonly tracer?: Tracer | null;
}): MakeAttempt {
  const { clock, secrets, sender, tracer } = deps;
  return async (claimed) => {
    const startedAt = clock.now();
    const startedMs = performance.now();
    const body = Buffer.from(claimed.body);
    const current = secrets.open(claimed.secretSealed, claimed.endpointId);
    const previous = claimed.previousSecretSealed
      ? secrets.open(claimed.previousSecretSealed, claimed.endpointId)
      : undefined;
    const signature = signDelivery({
      secrets: previous === undefined ? { current } : { current, previous },
      eventId: claimed.eventId,
      timestampSeconds: Math.floor(startedAt.getTime() / 1_000),
      body,
    });
    const span = tracer ? startAttemptSpan(tracer, claimed) : undefined;
    const sent = await sender.send({
      url: claimed.destinationUrl,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'secapi-webhooks/1',
        ...signature,
        'secapi-event-type': claimed.eventType,
        'secapi-delivery-id': claimed.deliveryId,
        'secapi-attempt': String(claimed.attempt),
        ...(span ? { traceparent: span.traceparent } : {}),
      },
      body,
    });
    if (span) endAttemptSpan(span, sent);
    const endedAt = new Date(startedAt.getTime() + (performance.now() - startedMs));
    return {
      deliveryId: claimed.deliveryId,
      attemptId: claimed.attemptId,
      attempt: claimed.attempt,
      labels: {
        orgId: claimed.orgId,
        endpointId: claimed.endpointId,
        eventType: claimed.eventType,
      },
      destinationUrl: claimed.destinationUrl,
      ok: sent.ok,
      httpStatus: sent.httpStatus,
      error: sent.error,
      latencyMs: sent.latencyMs,
      retryAfterMs: sent.ok ? null : parseRetryAfter(sent.retryAfter, endedAt),
      responseBody: sent.responseBody,
      endedAt: endedAt.getTime(),
    };
  };
}
