import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { SeededRandom } from '../support/seeded-random.ts';

interface SlowStoreOptions {
  readonly postgresUrl: string;
  readonly random: SeededRandom;
}

/**
 * Holds up writes to the table of the events again and again, for up to two seconds, until the signal aborts. So consumers lose their
 * partitions while they write, and their successors begin before those writes are through.
 */
export async function slowStore({ postgresUrl, random }: SlowStoreOptions, signal: AbortSignal): Promise<void> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    while (!signal.aborted) {
      await client.query('BEGIN');
      const isHeld = await client.query('LOCK TABLE events IN EXCLUSIVE MODE').then(
        () => true,
        () => false,
      );
      if (isHeld) await sleep(random.between(300, 2000), undefined, { signal }).catch(() => undefined);
      await client.query('ROLLBACK');
      await sleep(random.between(500, 2000), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await client.end();
  }
}
