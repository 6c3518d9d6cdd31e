import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RepeatWindow, type WindowRow } from './repeat-window.ts';

const at = (key: string, index: number, timestampMs = 0) => ({ key: Buffer.from(key), index, timestampMs });

/** The definition, with nothing compact about it. */
class NaiveWindow {
  #entries: { name: string; seen: Set<number>; timeMs: number }[] = [];
  #timeMs = 0;
  readonly #maxBlocks: number;
  readonly #maxAgeMs: number;

  constructor(maxBlocks: number, maxAgeMs: number) {
    this.#maxBlocks = maxBlocks;
    this.#maxAgeMs = maxAgeMs;
  }

  see(key: string, index: number, timestampMs: number): boolean {
    this.#timeMs = Math.max(this.#timeMs, timestampMs);
    this.#entries = this.#entries.filter(({ timeMs }) => this.#timeMs - timeMs <= this.#maxAgeMs);
    const name = `${key}/${Math.floor(index / 128)}`;
    const entry = this.#entries.find((other) => other.name === name) ?? { name, seen: new Set<number>(), timeMs: 0 };
    const isRepeat = entry.seen.has(index);
    entry.seen.add(index);
    entry.timeMs = this.#timeMs;
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry].slice(-this.#maxBlocks);
    return isRepeat;
  }
}

const record = fc.record({
  key: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c') }, { weight: 1, arbitrary: fc.nat({ max: 700 }).map(String) }),
  index: fc.oneof(fc.nat({ max: 1 }), fc.constantFrom(127, 128, 129, 255, 2 ** 31, 2 ** 32 - 1)),
  step: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: -5, max: 20 }) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 2000 }) }),
});

/** A store that keeps the rows as `takeChanges` asks for. */
class RowStore {
  readonly rows = new Map<string, WindowRow>();

  apply(window: RepeatWindow): void {
    const { removed, rows } = window.takeChanges();
    const name = ({ key, block }: { key: Buffer; block: number }) => `${key.toString('hex')}/${block}`;
    for (const gone of removed) this.rows.delete(name(gone));
    for (const row of rows) this.rows.set(name(row), row);
  }
}

test('answers as the definition does, also from the rows that a store kept of it', () => {
  let repeats = 0;
  const small = { maxBlocks: 600, maxAgeMs: 1000, tracksChanges: true };
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 30, maxLength: 60 }),
      fc.nat({ max: 2000 }),
      fc.constantFrom(3, 10, 600),
      (records, fill, maxBlocks) => {
        const naive = new NaiveWindow(maxBlocks, small.maxAgeMs);
        const options = { ...small, maxBlocks };
        let window = new RepeatWindow(options);
        const store = new RowStore();
        let timeMs = 0;
        // So many others that entries are pushed out and the table grows.
        for (let other = 0; other < fill % 800; other += 1)
          expect(window.see(at(`${other}`, 0, timeMs))).toBe(naive.see(`${other}`, 0, timeMs));
        for (const [place, { key, index, step }] of records.entries()) {
          timeMs += step;
          const isRepeat = naive.see(key, index, timeMs);
          expect(window.see(at(key, index, timeMs))).toBe(isRepeat);
          repeats += isRepeat ? 1 : 0;
          if (place % 7 === 6) store.apply(window);
          if (place % 21 === 20) window = RepeatWindow.restore(store.rows.values(), options);
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(repeats).toBeGreaterThan(100);
});

test('the rows of a store are all entries, and no others', () => {
  const window = new RepeatWindow({ maxBlocks: 5, maxAgeMs: 100, tracksChanges: true });
  const store = new RowStore();
  for (let turn = 0; turn < 50; turn += 1) {
    window.see(at(`k${(turn * 7) % 11}`, turn % 300, turn * 9));
    if (turn % 3 === 0) store.apply(window);
  }
  store.apply(window);
  const bySeq = [...store.rows.values()].sort((one, other) => one.seq - other.seq);
  expect(bySeq).toEqual([...window.rows()]);
  expect(bySeq.length).toBe(window.size);
});

test('rebuilt from the last 24 h of the log, it answers the same', () => {
  const maxAgeMs = 1000;
  const whole = new RepeatWindow({ maxAgeMs });
  const log = Array.from({ length: 3000 }, (_, turn) => at(`k${Math.floor(turn / 40)}`, turn % 20, turn * 3));
  const answers = log.map((seen) => whole.see(seen));
  const start = 1500;
  const back = log.findIndex(({ timestampMs }) => timestampMs >= start * 3 - maxAgeMs);
  const rebuilt = new RepeatWindow({ maxAgeMs });
  for (const seen of log.slice(back, start)) rebuilt.see(seen);
  expect(log.slice(start).map((seen) => rebuilt.see(seen))).toEqual(answers.slice(start));
  expect(answers.filter(Boolean).length).toBeGreaterThan(1000);
});

describe('bounds', () => {
  test('exactly the age is still within', () => {
    const window = new RepeatWindow({ maxAgeMs: 100 });
    expect(window.see(at('a', 0, 0))).toBe(false);
    expect(window.see(at('a', 0, 100))).toBe(true);
    expect(window.see(at('a', 0, 200))).toBe(true);
    expect(window.see(at('a', 0, 301))).toBe(false);
  });

  test('time that goes back forgets nothing and keeps nothing longer', () => {
    const window = new RepeatWindow({ maxAgeMs: 100 });
    window.see(at('a', 0, 1000));
    expect(window.see(at('b', 0, 0))).toBe(false);
    expect(window.see(at('b', 0, 1100))).toBe(true);
    expect(window.see(at('a', 0, 1101))).toBe(false);
  });

  test('the entry that was not seen for longest makes room', () => {
    const window = new RepeatWindow({ maxBlocks: 2 });
    for (const key of ['a', 'b', 'a', 'c']) window.see(at(key, 0));
    expect(window.see(at('a', 0))).toBe(true);
    expect(window.see(at('b', 0))).toBe(false);
    expect(window.size).toBe(2);
  });

  test('a batch of 128 is one entry', () => {
    const window = new RepeatWindow();
    for (let index = 0; index < 128; index += 1) expect(window.see(at('a', index))).toBe(false);
    expect(window.size).toBe(1);
    window.see(at('a', 128));
    expect(window.size).toBe(2);
  });
});
