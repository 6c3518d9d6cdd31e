import { SeededRandom } from '../../support/seeded-random.ts';

/** As the original producer writes it. */
export const eventText = (time: number, amount: number): string => `{"time":${time},"amount":"${amount}"}`;

/** A JSON array of events with amounts from 0 to 10. */
export function batchOf(events: number): string {
  const random = new SeededRandom(1);
  const now = Date.now();
  return `[${Array.from({ length: events }, (_, at) => eventText(now + at, random.next() * 10)).join(',')}]`;
}
