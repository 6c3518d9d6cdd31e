import type { SessionHour, StoredRange, UsageFigures, UsageSum } from '../../../engines/usage/usage-store.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';

/** All that the store has of a user in an hour. */
export interface UserHour {
  readonly user: string;
  readonly hourMs: number;
  readonly sessions: readonly SessionHour[];
  readonly ranges: readonly StoredRange[];
  readonly sums: readonly UsageSum[];
}

/** First and last number of an epoch in an hour. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const figureNames = ['packets', 'bytes', 'mediaMs', 'dropped'] as const;
const maxFound = 100;

/** What must not be in an hour (U1 to U3), as sentences. */
export function problemsOfHour({ user, hourMs, sessions, ranges, sums }: UserHour): string[] {
  const where = `user ${user}, ${utcTime(hourMs)}`;
  const problems: string[] = [];
  const bySession = Map.groupBy(ranges, sessionOf);
  for (const session of sessions) {
    const name = `${where}, channel ${session.channel}, session ${session.sessionId}`;
    const own = bySession.get(sessionOf(session)) ?? [];
    bySession.delete(sessionOf(session));
    problems.push(...differences(`${name}: the ranges`, sumOf(own), session));
    const lastFlush = own.reduce((last, { flush }) => Math.max(last, flush), 0);
    if (lastFlush !== session.flush) problems.push(`${name}: the last range has flush ${lastFlush}, the total flush ${session.flush}`);
    if (figureNames.some((figure) => session[figure] < 0)) problems.push(`${name}: the total is negative`);
    problems.push(...problemsOfNumbers(name, own));
  }
  for (const [lost] of bySession.values())
    if (lost) problems.push(`${where}, channel ${lost.channel}, session ${lost.sessionId}: there are ranges and no total`);
  const byChannel = Map.groupBy(sessions, ({ channel }) => channel);
  for (const channel of new Set([...byChannel.keys(), ...sums.map((sum) => sum.channel)])) {
    const sum = sums.find((candidate) => candidate.channel === channel) ?? nothing;
    problems.push(...differences(`${where}, channel ${channel}: the totals of the sessions`, sumOf(byChannel.get(channel) ?? []), sum));
  }
  return problems;
}

/** Gathers what was found, and looks at sessions over their hours. */
export class UsageProof {
  readonly #found: string[] = [];
  #problems = 0;
  #sessions = 0;
  #ranges = 0;
  /** By user, channel, session and epoch: the hours in which it has numbers. */
  readonly #spans = new Map<string, Span[]>();

  add({ user, sessions, ranges }: UserHour, problems: readonly string[]): void {
    this.#sessions += sessions.length;
    this.#ranges += ranges.length;
    for (const problem of problems) this.#tell(problem);
    const byEpoch = Map.groupBy(
      ranges.filter(({ from, to }) => from <= to),
      ({ channel, sessionId, epoch }) => `user ${user}, channel ${channel}, session ${sessionId}, epoch ${epoch}`,
    );
    for (const [name, own] of byEpoch) {
      const from = own.reduce((least, range) => Math.min(least, range.from), Number.POSITIVE_INFINITY);
      const to = own.reduce((most, range) => Math.max(most, range.to), -1);
      this.#spans.getOrInsertComputed(name, () => []).push({ from, to });
    }
  }

  /** After all hours. */
  checkSessions(): void {
    for (const [name, spans] of this.#spans) {
      const sorted = spans.toSorted((one, other) => one.from - other.from);
      for (const [index, span] of sorted.entries()) {
        const before = sorted[index - 1];
        if (before && span.from <= before.to) this.#tell(`${name}: numbers ${span.from} to ${before.to} are in two hours`);
      }
    }
  }

  result() {
    return { sessions: this.#sessions, ranges: this.#ranges, problems: this.#problems, found: this.#found };
  }

  #tell(problem: string): void {
    this.#problems += 1;
    if (this.#found.length < maxFound) this.#found.push(problem);
  }
}

/** A number that is counted twice, or more packets than there are numbers. */
function problemsOfNumbers(name: string, ranges: readonly StoredRange[]): string[] {
  const problems: string[] = [];
  const withNumbers = ranges.filter(({ from, to }) => from <= to);
  for (const own of Map.groupBy(withNumbers, ({ epoch }) => epoch).values()) {
    const sorted = own.toSorted((one, other) => one.from - other.from);
    for (const [index, { from, to, packets, flush }] of sorted.entries()) {
      if (packets > to - from + 1) problems.push(`${name}: flush ${flush} has ${packets} packets with the numbers ${from} to ${to}`);
      const before = sorted[index - 1];
      if (before && from <= before.to) problems.push(`${name}: flushes ${before.flush} and ${flush} both have the number ${from}`);
    }
  }
  return problems;
}

function differences(what: string, added: UsageFigures, told: UsageFigures): string[] {
  return figureNames
    .filter((figure) => added[figure] !== told[figure])
    .map((figure) => `${what} give ${added[figure]} ${figure}, told are ${told[figure]}`);
}

const nothing: UsageFigures = { packets: 0, bytes: 0, mediaMs: 0, dropped: 0 };

const sessionOf = ({ channel, sessionId }: { readonly channel: string; readonly sessionId: string }): string =>
  JSON.stringify([channel, sessionId]);

function sumOf(rows: readonly UsageFigures[]): UsageFigures {
  const sum = { ...nothing };
  for (const row of rows) for (const figure of figureNames) sum[figure] += row[figure];
  return sum;
}
