import { hourMs, type LegacyCount, maxQueryHours, maxTimeMs, type UsageStore, type UsageSum } from '../../../engines/usage/usage-store.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { cursorText, type UsageParameters } from './api-query.ts';

export interface UsageRules {
  readonly store: UsageStore;
  readonly clock: Clock;
  readonly packetMsOf: (channel: string) => number;
  /** `nearest-hour`: counters of the original that lie in the hour after the window count too, as its hours are the nearest ones. */
  readonly compat: 'truncate' | 'nearest-hour';
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

const dayHours = 24;
const startOfHour = (ms: number): number => Math.floor(ms / hourMs) * hourMs;

/** Whole hours: those of the last 24, where nothing else is asked for. Undefined: more than an answer may have. */
export function usageWindow({ from, to }: Pick<UsageParameters, 'from' | 'to'>, nowMs: number): Window | undefined {
  const endMs = to ?? (from === undefined ? nowMs + 1 : Math.max(nowMs + 1, from));
  const toMs = Math.min(Math.ceil(endMs / hourMs) * hourMs, maxTimeMs);
  const fromMs = startOfHour(Math.max(0, from ?? endMs - dayHours * hourMs));
  return fromMs <= toMs && toMs - fromMs <= maxQueryHours * hourMs ? { fromMs, toMs } : undefined;
}

/** What the original answers: seconds by channel, under the name that it gave them, without a blank and with a line end. */
export async function usageText(user: string, rules: UsageRules, signal: AbortSignal): Promise<string> {
  const window = usageWindow({}, rules.clock.now());
  const seconds = window ? secondsByChannel(await readUsage(user, window, { ...rules, signal }), rules) : [];
  return `{"sessions":{${seconds.map(([channel, count]) => `${goString(channel)}:${count}`).join(',')}}}\n`;
}

/** The same for other hours, by the hour, or with the sessions, one page of them. */
export async function usageDetail(
  user: string,
  { window, parameters }: { readonly window: Window; readonly parameters: UsageParameters },
  { signal, ...rules }: UsageRules & { readonly signal: AbortSignal },
): Promise<object> {
  const { step, detail, after, limit } = parameters;
  const usage = await readUsage(user, window, { ...rules, signal });
  const answer = {
    user,
    from: utcTime(window.fromMs),
    to: utcTime(window.toMs),
    sessions: Object.fromEntries(secondsByChannel(usage, rules)),
    ...(step === 'hour' && { hours: usage.sums.map(hourOf), ...(usage.legacy.length > 0 && { legacy: usage.legacy.map(legacyOf) }) }),
  };
  if (detail === '0') return answer;
  const place = after && { hourMs: after[0], channel: after[1], sessionId: after[2], flush: 0 };
  const page = await rules.store.listSessions({ user, ...window, limit, ...(place && { after: place }) }, signal);
  const last = page.rows.at(-1);
  return {
    ...answer,
    detail: page.rows.map(({ hourMs: hour, channel, sessionId, startMs, endMs, packets, bytes, mediaMs, dropped }) => ({
      ...{ session: sessionId, channel, hour: utcTime(hour), start: utcTime(startMs), end: utcTime(endMs) },
      ...{ packets, bytes, mediaMs, dropped },
    })),
    ...(page.more && last && { next: cursorText(last) }),
  };
}

interface Usage {
  readonly sums: readonly UsageSum[];
  readonly legacy: readonly LegacyCount[];
}

async function readUsage(user: string, { fromMs, toMs }: Window, rules: UsageRules & { readonly signal: AbortSignal }): Promise<Usage> {
  const { store, compat, signal } = rules;
  // The window may have all the hours that a query may have.
  const legacyFromMs = compat === 'nearest-hour' ? fromMs + hourMs : fromMs;
  const legacyWindow = {
    fromMs: Math.min(legacyFromMs, toMs),
    toMs: compat === 'nearest-hour' ? Math.min(toMs + hourMs, maxTimeMs) : toMs,
  };
  const [sums, legacy] = await Promise.all([
    store.sumUsage({ user, fromMs, toMs }, signal),
    store.readLegacyCounts({ user, ...legacyWindow }, signal),
  ]);
  return { sums, legacy };
}

/** Sums first and divides last, so that nothing is lost in an hour. */
function secondsByChannel({ sums, legacy }: Usage, { packetMsOf }: UsageRules): [string, number][] {
  const ms = new Map<string, number>();
  for (const { channel, packets, mediaMs } of sums) if (packets > 0) ms.set(channel, (ms.get(channel) ?? 0) + mediaMs);
  for (const { channel, packets } of legacy) ms.set(channel, (ms.get(channel) ?? 0) + packets * packetMsOf(channel));
  return [...ms]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([channel, total]): [string, number] => [channel, Math.floor(total / 1000)]);
}

const hourOf = ({ hourMs: hour, channel, packets, bytes, mediaMs, dropped }: UsageSum) => ({
  ...{ hour: utcTime(hour), channel, seconds: Math.floor(mediaMs / 1000) },
  ...{ packets, bytes, mediaMs, dropped },
});

const legacyOf = ({ hourMs: hour, channel, packets }: LegacyCount) => ({ hour: utcTime(hour), channel, packets });

/** A JSON text as the original's encoder writes it. */
const goString = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
