/** What the fake does wrong on demand. `on` is an API call (`POST /v1/customers`) or an event's type. */
export interface FakeFault {
  readonly on: string;
  readonly kind:
    | 'status_500'
    | 'status_429'
    /** The call is carried out, then the connection is cut before the answer. */
    | 'timeout_after_commit'
    /** The event's webhook comes before the call's answer. */
    | 'webhook_first'
    | 'drop'
    | 'duplicate'
    | 'delay'
    /** Sent only after the event that follows it. */
    | 'reorder'
    | 'wrong_version';
  /** How often; 1 unless said. */
  readonly times?: number;
}

/** How webhooks go astray by themselves: shares from 0 to 1 of what is dropped and doubled, and by how long they mix. */
export interface Chaos {
  readonly drop: number;
  readonly duplicate: number;
  readonly shuffleMs: number;
}

/** Faults that are to come, in the order they were asked for. */
export class Faults {
  #waiting: { on: string; kind: FakeFault['kind']; left: number }[] = [];

  chaos: Chaos | null = null;

  add({ on, kind, times = 1 }: FakeFault): void {
    this.#waiting.push({ on, kind, left: times });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Those that nothing has met yet. */
  waiting(): string[] {
    return this.#waiting.filter(({ left }) => left > 0).map(({ on, kind }) => `${kind} on ${on}`);
  }

  /** The fault that this call or event is to meet now; it is used up. */
  take(on: string): FakeFault['kind'] | null {
    const found = this.#waiting.find((fault) => fault.on === on && fault.left > 0);
    if (!found) return null;
    found.left -= 1;
    return found.kind;
  }
}
