const digits = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** `YYYY-MM-DDTHH:MM:SS.sssZ` of milliseconds since the epoch. */
export function utcTime(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * As `utcTime`, for a stream of times.
 * It remembers the last second, which makes it more than ten times as fast there.
 * Years 0 to 9999; a fraction of a millisecond is cut off.
 */
export function createUtcFormatter(): (ms: number) => string {
  let second = Number.NaN;
  let prefix = '';
  return (ms) => {
    const wanted = Math.floor(ms / 1000);
    if (wanted !== second) {
      prefix = new Date(wanted * 1000).toISOString().slice(0, 20);
      second = wanted;
    }
    return prefix + digits[Math.floor(ms) - wanted * 1000];
  };
}
