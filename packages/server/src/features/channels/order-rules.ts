export const startPolicies = ['first', 'zero'] as const;

export interface OrderRules {
  /** Numbers that may wait for an earlier one; also how far a number may lie behind those of its connection. */
  readonly windowPackets: number;
  /** How long a packet may wait. */
  readonly timeoutMs: number;
  /** `first`: begin with the lowest number of the first `timeoutMs`. `zero`: with 0 as soon as it comes, else as `first`. */
  readonly startPolicy: (typeof startPolicies)[number];
  /** Numbers further ahead are no part of the count. */
  readonly resetDistance: number;
  /** Memory of one channel for packets that wait, counted in slabs. */
  readonly maxChannelBytes: number;
}

/** Numbers out of count that make a new one. */
export const candidatesForEpoch = 8;
/** Fewer of them are given up after this time. */
export const candidateAgeMs = 10_000;
