import type { Headers, WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** The header in which a workflow's start names the span that caused it (`worker/trace-temporal.ts` sets and reads it). */
const TRACEPARENT = 'traceparent';

/**
 * Hands the traceparent that a workflow was started with to its activities and to the run that it continues as. Local
 * activities are reads: they are no steps of a trace. Decides nothing, so that any recorded history replays.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carried: Headers = {};
  return {
    inbound: [
      {
        execute(input, next) {
          const { [TRACEPARENT]: traceparent } = input.headers;
          if (traceparent) carried = { [TRACEPARENT]: traceparent };
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) =>
          next({ ...input, headers: { ...input.headers, ...carried } }),
        continueAsNew: (input, next) =>
          next({ ...input, headers: { ...input.headers, ...carried } }),
      },
    ],
  };
};
