import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { EventDriver } from '../events-crash/event-driver.ts';
import { SentEvents } from '../events-crash/sent-events.ts';
import { freePort } from '../support/free-ports.ts';
import { EventLane, prepareEngines, removeEngines } from '../support/lane/event-lane.ts';
import { eventsOf, kafkaRecords } from '../support/lane/logged-events.ts';
import { influxEvents, postgresEvents } from '../support/lane/stored-events.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

it('SIGTERM under load, of every component in turn: each ends with 0, and every acknowledged event is in one store, once', async () => {
  await using stack = new AsyncDisposableStack();
  const engines = await prepareEngines();
  stack.defer(() => removeEngines(engines));
  const folder = stack.use(await openTempFolder());
  const lane = new EventLane({ engines, folder: folder.path, partitions: 4 });
  const api = stack.use(await lane.api(await freePort()));
  const all = [api, stack.use(await lane.consumerHigh('high')), stack.use(await lane.consumerLow('low'))];
  for (const process of all) await process.start();
  const book = new SentEvents();
  const url = api.urls['event-api'] ?? '';
  const driver = new EventDriver({ url, book, seed: 1, events: 8000, firstTime: Date.now() - 3_600_000, spreadMs: 8000 });
  const over = new AbortController();
  const sending = driver.run(over.signal);
  sending.catch(() => undefined);
  for (const process of all) {
    const before = book.acknowledged;
    await waitFor(
      async () => book.acknowledged,
      (count) => count > before + 300,
    );
    expect({ name: process.name, end: await process.stop() }).toEqual({ name: process.name, end: 0 });
    await process.start();
  }
  await sending;
  const stores = async () => ({
    high: await postgresEvents(engines.postgresUrl),
    low: await influxEvents(engines.influxUrl, engines.influxDatabase),
  });
  await waitFor(stores, ({ high, low }) => high.length + low.length >= book.acknowledged);
  // Time for one too many.
  await sleep(1000);
  const log = eventsOf(await kafkaRecords(engines.kafka.plain, engines.topic));
  expect(book.compare({ stores: await stores(), log })).toEqual({ lost: 0, doubled: 0, strays: 0, examples: [] });
  expect(driver.unexpected).toBeUndefined();
  for (const process of all) expect(process.problems).toEqual([]);
});
