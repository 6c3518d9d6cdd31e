/** What one run found. */
export interface EventsCrashReport {
  readonly suite: 'events' | 'events-embedded';
  readonly seed: number;
  readonly events: number;
  readonly acked: number;
  readonly lost: number;
  readonly doubled: number;
  readonly strays: number;
  readonly kills: number;
  /** Members that came to a group or left it on purpose, beside those that were killed. */
  readonly rebalances: number;
  /** Everything that must not be, a sentence each. */
  readonly problems: readonly string[];
}

/** The run's one line. */
export function reportLine({ suite, events, acked, lost, doubled, strays, kills, rebalances, seed }: EventsCrashReport): string {
  const found = `lost=${lost} doubled=${doubled} strays=${strays}`;
  return `crash ${suite} events=${events} acked=${acked} ${found} kills=${kills} rebalances=${rebalances} seed=${seed}`;
}

export const hasPassed = ({ lost, doubled, strays, problems }: EventsCrashReport): boolean =>
  lost === 0 && doubled === 0 && strays === 0 && problems.length === 0;
