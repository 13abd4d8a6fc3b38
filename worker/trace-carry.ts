import type { LeasedCommand } from '../entities/outbox';
import { within, type Tracer } from '../platform/trace';
import type { Carry } from './relay';

/**
 * Carries commands as `carry` does; one that a traced request caused leaves a span once it is with Temporal, and the
 * workflow that it starts goes on from there. What must wait leaves none for each vain try, but their number.
 */
export function traceCarry(carry: Carry, tracer: Tracer | null): Carry {
  if (!tracer) return carry;
  return async (command) => {
    if (command.traceparent === null) return carry(command);
    const { id, kind, attempts } = command;
    const span = tracer.start(`send ${kind}`, {
      kind: 'producer',
      parent: command.traceparent,
      attributes: {
        'messaging.system': 'temporal',
        'messaging.operation.type': 'send',
        'messaging.operation.name': kind,
        'messaging.message.id': id,
        'secapi.command.tries': attempts,
        ...idsOf(command),
      },
    });
    await within(span, () => carry(command));
    span.end();
  };
}

function idsOf({ kind, ref, payload }: LeasedCommand): Record<string, string | undefined> {
  const isOfDelivery = kind === 'start_delivery' || kind === 'signal_delivery';
  return {
    [isOfDelivery ? 'secapi.delivery.id' : 'secapi.command.ref']: ref,
    'secapi.org.id': payload.orgId,
  };
}
