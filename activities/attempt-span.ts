import type { ClaimedAttempt } from '../entities/claim-attempt';
import type { SendOutcome } from '../integrations/webhook-sender';
import { currentTraceparent, isSameTrace, type Span, type Tracer } from '../platform/trace';

/**
 * Opens the span of an attempt's request, in the trace of the request that published the event, whoever asked for the
 * attempt: one event is one trace. What asks from another trace (a replay, a recovery) is linked. Of the destination
 * it tells the host alone: path and query may hold secrets of the customer's.
 */
export function startAttemptSpan(tracer: Tracer, claimed: ClaimedAttempt): Span {
  const asking = currentTraceparent();
  const published = claimed.traceparent;
  const isWithin = asking !== null && (published === null || isSameTrace(asking, published));
  return tracer.start('POST', {
    kind: 'client',
    parent: isWithin ? asking : published,
    link: isWithin ? null : asking,
    attributes: {
      'http.request.method': 'POST',
      ...serverOf(claimed.destinationUrl),
      'secapi.org.id': claimed.orgId,
      'secapi.event.id': claimed.eventId,
      'secapi.delivery.id': claimed.deliveryId,
      'secapi.attempt.id': claimed.attemptId,
      'secapi.attempt.number': claimed.attempt,
      'secapi.attempt.trigger': claimed.replayId === null ? 'schedule' : 'replay',
    },
  });
}

/** Ends it with what came of the request. */
export function endAttemptSpan(span: Span, sent: SendOutcome): void {
  span.end({
    failed: !sent.ok,
    attributes: {
      'http.response.status_code': sent.httpStatus ?? undefined,
      'error.type': sent.error ?? undefined,
    },
  });
}

function serverOf(url: string): { 'server.address'?: string; 'server.port'?: number } {
  if (!URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  return {
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
