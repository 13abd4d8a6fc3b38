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
  /** `aside`: takes many minutes and little of the machine, so it runs beside the others. `alone`: it compares times, or keeps this process busy. */
  readonly runs?: 'aside' | 'alone';
  run(say: (text: string) => void): Promise<ProofResult>;
}
