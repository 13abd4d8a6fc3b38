/** How many requests to each endpoint are in flight in this process, so that a slow one holds a few and no more. */
export interface EndpointSlots {
  /** Takes a slot and answers what gives it back. */
  take(endpointId: string): () => void;
  /** Whether the endpoint may take one more. */
  isFull(endpointId: string): boolean;
  /** Free slots of every endpoint that has requests in flight. */
  free(): Map<string, number>;
  readonly inFlight: number;
}

/** Slots for `perEndpoint` requests to each endpoint; one that has shown itself slow gets `slow` of them. */
export function createEndpointSlots(
  perEndpoint: number,
  slow: number,
  slowMs: number,
): EndpointSlots {
  const endpoints = new Map<string, { inFlight: number; latencyMs: number }>();
  let total = 0;
  const limitOf = (latencyMs: number): number => (latencyMs > slowMs ? slow : perEndpoint);
  return {
    take(endpointId) {
      const entry = endpoints.get(endpointId) ?? { inFlight: 0, latencyMs: 0 };
      endpoints.set(endpointId, entry);
      entry.inFlight += 1;
      total += 1;
      const startedAt = performance.now();
      return () => {
        entry.inFlight -= 1;
        total -= 1;
        entry.latencyMs = entry.latencyMs * 0.7 + (performance.now() - startedAt) * 0.3;
        if (entry.inFlight === 0 && entry.latencyMs <= slowMs) endpoints.delete(endpointId);
      };
    },
    isFull(endpointId) {
      const entry = endpoints.get(endpointId);
      return entry !== undefined && entry.inFlight >= limitOf(entry.latencyMs);
    },
    free() {
      const free = new Map<string, number>();
      for (const [id, { inFlight, latencyMs }] of endpoints) {
        free.set(id, Math.max(limitOf(latencyMs) - inFlight, 0));
      }
      return free;
    },
    get inFlight() {
      return total;
    },
  };
}
