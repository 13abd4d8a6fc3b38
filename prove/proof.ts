export interface ProofResult {
  /** Everything that was not as promised; none is a pass. */
  readonly complaints: readonly string[];
  readonly figures: Readonly<Record<string, string>>;
}

/** A promise of the product, tried for real on a whole stack. */
export interface Proof {
  readonly name: string;
  /** What holds if it passes. */
  readonly claim: string;
  /** `long`: takes minutes and little of the machine; what waits more than it works runs `beside` it. Else it runs alone. */
  readonly runs?: 'long' | 'beside';
  run(say: (text: string) => void): Promise<ProofResult>;
}
