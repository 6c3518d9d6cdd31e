import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { SeededRandom } from '../support/seeded-random.ts';

interface SlowStoreOptions {
  readonly postgresUrl: string;
  readonly random: SeededRandom;
  /** Has the group of the writers share out its partitions anew. */
  readonly shake: (signal: AbortSignal) => Promise<void>;
}

/**
 * Holds up writes to the table of the events again and again, until the signal aborts, each time over a rebalance and up to two seconds
 * more. So consumers lose their partitions while they write, and their successors begin before those writes are through.
 */
export async function slowStore({ postgresUrl, random, shake }: SlowStoreOptions, signal: AbortSignal): Promise<void> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    while (!signal.aborted) {
      await client.query('BEGIN');
      const isHeld = await client.query('LOCK TABLE events IN EXCLUSIVE MODE').then(
        () => true,
        () => false,
      );
      if (isHeld) {
        await shake(signal);
        await sleep(random.between(300, 2000), undefined, { signal }).catch(() => undefined);
      }
      await client.query('ROLLBACK');
      await sleep(random.between(500, 2000), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await client.end();
  }
}
