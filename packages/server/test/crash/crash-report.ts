/** What a suite of crashes found. */
export interface CrashReport {
  readonly suite: string;
  readonly seed: number;
  readonly rounds: number;
  /** Events that the service acknowledged. */
  readonly acked: number;
  /** Acknowledged events that a table lacks; over all tables. */
  readonly lost: number;
  readonly doubled: number;
  /** Rows that the disk destroyed, by the service's own count. */
  readonly damaged: number;
  /** How often the process died at each named point. */
  readonly points: ReadonlyMap<string, number>;
  /** Everything that must not be, a sentence each. */
  readonly problems: readonly string[];
}

/** The suite's one line. */
export function reportLine({ suite, rounds, acked, lost, doubled, damaged, points, seed }: CrashReport): string {
  const hits = [...points].map(([name, count]) => `${name}:${count}`).join(',');
  return `crash ${suite} rounds=${rounds} acked=${acked} lost=${lost} doubled=${doubled} points=${hits} seed=${seed} damaged=${damaged}`;
}

export const hasPassed = ({ lost, doubled, problems }: CrashReport): boolean => lost === 0 && doubled === 0 && problems.length === 0;
