import type { SessionHour, StoredRange, UsageFigures, UsageSum } from '../../../engines/usage/usage-store.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';

interface UserHour {
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

/** Looks for what must not be in usage (U1 to U3), hour by hour. */
export class UsageProof {
  readonly #found: string[] = [];
  #problems = 0;
  #sessions = 0;
  #ranges = 0;
  /** By user, channel, session and epoch: the hours in which it has numbers. */
  readonly #spans = new Map<string, Span[]>();

  checkHour({ user, hourMs, sessions, ranges, sums }: UserHour): void {
    const where = `user ${user}, ${utcTime(hourMs)}`;
    this.#sessions += sessions.length;
    this.#ranges += ranges.length;
    const bySession = Map.groupBy(ranges, sessionOf);
    for (const session of sessions) {
      const name = `${where}, channel ${session.channel}, session ${session.sessionId}`;
      const own = bySession.get(sessionOf(session)) ?? [];
      bySession.delete(sessionOf(session));
      this.#compare(`${name}: the ranges`, sumOf(own), session);
      const lastFlush = own.reduce((last, { flush }) => Math.max(last, flush), 0);
      if (lastFlush !== session.flush) this.#tell(`${name}: the last range has flush ${lastFlush}, the total flush ${session.flush}`);
      if (figureNames.some((figure) => session[figure] < 0)) this.#tell(`${name}: the total is negative`);
      this.#checkNumbers(name, `user ${user}, channel ${session.channel}, session ${session.sessionId}`, own);
    }
    for (const [lost] of bySession.values())
      if (lost) this.#tell(`${where}, channel ${lost.channel}, session ${lost.sessionId}: there are ranges and no total`);
    const byChannel = Map.groupBy(sessions, ({ channel }) => channel);
    for (const channel of new Set([...byChannel.keys(), ...sums.map((sum) => sum.channel)])) {
      const sum = sums.find((candidate) => candidate.channel === channel) ?? nothing;
      this.#compare(`${where}, channel ${channel}: the totals of the sessions`, sumOf(byChannel.get(channel) ?? []), sum);
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

  #checkNumbers(name: string, session: string, ranges: readonly StoredRange[]): void {
    for (const [epoch, of] of Map.groupBy(
      ranges.filter(({ from, to }) => from <= to),
      (range) => range.epoch,
    )) {
      const sorted = of.toSorted((one, other) => one.from - other.from);
      for (const [index, { from, to, packets, flush }] of sorted.entries()) {
        if (packets > to - from + 1) this.#tell(`${name}: flush ${flush} has ${packets} packets with the numbers ${from} to ${to}`);
        const before = sorted[index - 1];
        if (before && from <= before.to) this.#tell(`${name}: flushes ${before.flush} and ${flush} both have the number ${from}`);
      }
      const [first] = sorted;
      const last = sorted.at(-1);
      const key = `${session}, epoch ${epoch}`;
      if (first && last) this.#spans.getOrInsertComputed(key, () => []).push({ from: first.from, to: last.to });
    }
  }

  #compare(what: string, added: UsageFigures, told: UsageFigures): void {
    for (const figure of figureNames)
      if (added[figure] !== told[figure]) this.#tell(`${what} give ${added[figure]} ${figure}, told are ${told[figure]}`);
  }

  #tell(problem: string): void {
    this.#problems += 1;
    if (this.#found.length < maxFound) this.#found.push(problem);
  }
}

const nothing: UsageFigures = { packets: 0, bytes: 0, mediaMs: 0, dropped: 0 };

const sessionOf = ({ channel, sessionId }: { readonly channel: string; readonly sessionId: string }): string =>
  JSON.stringify([channel, sessionId]);

function sumOf(rows: readonly UsageFigures[]): UsageFigures {
  const sum = { ...nothing };
  for (const row of rows) for (const figure of figureNames) sum[figure] += row[figure];
  return sum;
}
