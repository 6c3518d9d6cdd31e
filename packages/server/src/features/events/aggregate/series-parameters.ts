import { parseDuration } from '../../../kernel/codec/duration.ts';
import { didYouMean, nearestName } from '../../../kernel/config/nearest-name.ts';

/** Parameters of a query string, read one by one; what is wrong with them is kept, all of it. */
export class SeriesParameters {
  readonly #search: URLSearchParams;
  readonly #known: readonly string[];
  readonly problems: string[] = [];

  constructor(search: URLSearchParams, known: readonly string[]) {
    this.#search = search;
    this.#known = known;
    for (const name of new Set(search.keys())) {
      if (!known.includes(name))
        this.problems.push(
          `${quoted(name)} is no parameter here: ${didYouMean(nearestName(name, known), `there are ${known.join(', ')}`)}`,
        );
      else if (search.getAll(name).length > 1) this.problems.push(`${name} is given more than once`);
    }
  }

  /** Undefined where it is absent, empty, or no parameter here. */
  text(name: string): string | undefined {
    return this.#known.includes(name) ? this.#search.get(name) || undefined : undefined;
  }

  has(name: string): boolean {
    return this.text(name) !== undefined;
  }

  oneOf<const Value extends string>(name: string, values: readonly [Value, ...Value[]]): Value | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) this.problems.push(`${name} must be one of ${values.join(', ')}, not ${quoted(text)}`);
    return value;
  }

  /** Whole milliseconds, at least 1. */
  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const duration = parseDuration(text);
    if (duration.ok && Number.isSafeInteger(duration.value) && duration.value >= 1) return duration.value;
    this.problems.push(`${name} must be a time of at least 1ms, as 10s, 5m or 24h, not ${quoted(text)}`);
    return undefined;
  }

  /** Name of a time zone of the IANA; absent: UTC. */
  timeZone(name: string): string {
    const text = this.text(name);
    if (text === undefined) return 'UTC';
    try {
      const { timeZoneId } = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
      return timeZoneId.toUpperCase() === 'UTC' ? 'UTC' : timeZoneId;
    } catch {
      this.problems.push(`${name} must be a time zone, as Europe/Berlin, not ${quoted(text)}`);
      return 'UTC';
    }
  }

  /** Unix milliseconds, or a date or time of ISO 8601; without an offset it is of the time zone. */
  moment(name: string, timeZone: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = momentOf(text, timeZone);
    if (ms !== undefined && ms >= 0 && ms <= maxMomentMs) return Math.floor(ms);
    this.problems.push(`${name} must be Unix milliseconds or a time as 2026-06-24T10:00:00Z, from 1970 on, not ${quoted(text)}`);
    return undefined;
  }
}

/** End of the year 9999: whole buckets behind it are still in the calendar. */
const maxMomentMs = 253_402_300_799_999;
const shownLength = 40;
const quoted = (text: string): string => JSON.stringify(text.length > shownLength ? `${text.slice(0, shownLength)}…` : text);

function momentOf(text: string, timeZone: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  // A plus that is not escaped arrives as a space.
  const iso = text.replace(/(T.*) (\d\d:?\d\d)$/, '$1+$2');
  try {
    return /(?:Z|[+-]\d\d(?::?\d\d)?)$/i.test(iso) && /T/i.test(iso)
      ? Temporal.Instant.from(iso).epochMilliseconds
      : Temporal.PlainDateTime.from(iso).toZonedDateTime(timeZone).epochMilliseconds;
  } catch {
    return undefined;
  }
}
