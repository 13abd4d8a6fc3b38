import type { WorkflowClientInterceptor } from '@temporalio/client';
import {
  ApplicationFailure,
  ApplicationFailureCategory,
  defaultPayloadConverter,
  type Headers,
} from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { currentTraceparent, within, type Tracer } from '../platform/trace';

/** As in `workflows/carry-trace.ts`, which carries it from a workflow's start to its activities. */
const TRACEPARENT = 'traceparent';

/** Starts made within a span name it to the workflow. */
export const tellTrace: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => next({ ...input, headers: withTrace(input.headers) }),
  signalWithStart: (input, next) => next({ ...input, headers: withTrace(input.headers) }),
};

function withTrace(headers: Headers): Headers {
  const traceparent = currentTraceparent();
  if (traceparent === null) return headers;
  return { ...headers, [TRACEPARENT]: defaultPayloadConverter.toPayload(traceparent) };
}

/**
 * A span for each activity of a workflow that a traced request caused. An activity that puts itself off ("not yet")
 * leaves none: it did nothing, and may do so every half second.
 */
export function traceActivities(tracer: Tracer): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const { [TRACEPARENT]: header } = input.headers;
        if (!header) return next(input);
        const span = tracer.start(info.activityType, {
          kind: 'internal',
          parent: defaultPayloadConverter.fromPayload<string>(header),
          attributes: {
            'secapi.workflow.id': info.workflowExecution?.workflowId,
            'secapi.workflow.type': info.workflowType,
          },
        });
        try {
          const result = await within(span, () => next(input));
          span.end();
          return result;
        } catch (error) {
          if (!isPutOff(error))
            span.end({ failed: true, attributes: { 'error.type': nameOf(error) } });
          throw error;
        }
      },
    },
  });
}

function isPutOff(error: unknown): boolean {
  return (
    error instanceof ApplicationFailure && error.category === ApplicationFailureCategory.BENIGN
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
