import { setTimeout as sleep } from 'node:timers/promises';
import { deleteSink, deleteSource, disableSink, disableSource, enableSink, enableSource, updateSink } from '@sluice/contract/operations';
import { columnInputSchema } from '@sluice/contract/sink';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient } from '../support/api-client.ts';
import { conservationProblems } from '../support/check-conservation.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';

/** Enough that rows wait for the append before them whenever something changes. */
const clients = 32;
const pauseMs = 4;
/** How long the load goes on between two changes: about as long as a file is open. */
const phaseMs = 1200;
const source = { params: { sourceId: 'load' } };
const sink = { params: { sourceId: 'load', sinkId: 'changing' } };

const path = (name: string, from: string) => ({ type: 'path', name, path: from, rawString: true });
/** Every mapping marks its rows with its number, so that each row tells by which one it was rendered. */
const mapping = (number: number, tableId: string, columns: object[]) => ({
  number,
  table: {
    type: 'keboola' as const,
    tableId,
    mapping: { columns: columnInputSchema.array().parse([path('id', 'id'), path('mapping', `marks.m${number}`), ...columns]) },
  },
});
const mappings = [
  mapping(1, 'in.c-changes.one', []),
  // A column more, another path in it, another table, another column, the first table again.
  mapping(2, 'in.c-changes.one', [path('text', 'left')]),
  mapping(3, 'in.c-changes.one', [path('text', 'right')]),
  mapping(4, 'in.c-changes.two', [path('text', 'right')]),
  mapping(5, 'in.c-changes.two', [path('more', 'left'), { type: 'uuid', name: 'uid' }]),
  mapping(6, 'in.c-changes.one', [path('more', 'right')]),
];
const textOf: Readonly<Record<number, (id: number) => { text: string | null; more: string | null }>> = {
  1: () => ({ text: null, more: null }),
  2: (id) => ({ text: `left ${id}`, more: null }),
  3: (id) => ({ text: `right ${id}`, more: null }),
  4: (id) => ({ text: `right ${id}`, more: null }),
  5: (id) => ({ text: null, more: `left ${id}` }),
  6: (id) => ({ text: null, more: `right ${id}` }),
};
const tableOf = (number: number): string => (number === 4 || number === 5 ? 'two' : 'one');

/** What must hold between the end of one change and the beginning of the next. */
interface Phase {
  readonly change: (api: ApiClient) => Promise<unknown>;
  readonly mapping: number;
  /** Sinks that take rows; undefined where the source does not answer. */
  readonly sinks: readonly string[] | undefined;
}

const both = ['changing', 'steady'];
const phases: readonly Phase[] = [
  { change: async () => {}, mapping: 1, sinks: both },
  ...mappings.slice(1).map(({ number, table }) => ({
    change: (api: ApiClient) => api.run(updateSink, { ...sink, body: { table } }),
    mapping: number,
    sinks: both,
  })),
  { change: (api) => api.run(disableSink, sink), mapping: 6, sinks: ['steady'] },
  { change: (api) => api.run(enableSink, sink), mapping: 6, sinks: both },
  { change: (api) => api.run(disableSource, source), mapping: 6, sinks: undefined },
  { change: (api) => api.run(enableSource, source), mapping: 6, sinks: both },
  { change: (api) => api.run(deleteSink, sink), mapping: 6, sinks: ['steady'] },
  { change: (api) => api.run(deleteSource, source), mapping: 6, sinks: undefined },
];

interface Sent {
  readonly id: number;
  /** The phase that had begun when it was sent, and the newest whose change had been asked for when it was answered. */
  readonly first: number;
  last: number;
  status: number;
  /** Sinks that stored it, by the answer. */
  stored: readonly string[];
}

const answerSchema = z.object({
  sources: z.array(z.object({ sinks: z.array(z.object({ sinkId: z.string(), statusCode: z.int() })).default([]) })),
});
const statusSchema = z.object({
  sinks: z.array(
    z.object({
      sink: z.string(),
      rows: z.object({ local: z.int(), staged: z.int(), quarantined: z.int(), imported: z.int(), damaged: z.int() }),
    }),
  ),
});

/** All rows as one value: a query returns no more than some thousand rows. */
async function rowsOf(dataDir: string, table: string, columns: string): Promise<(string | null)[][]> {
  const [row] = await queryRows(dataDir, `SELECT coalesce(list([${columns}]), []) FROM "in.c-changes"."${table}"`);
  return z.array(z.array(z.string().nullable())).parse(row?.[0]);
}

test('changes under load: each acknowledged row is once in the table of its version, with that version’s columns', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  await using service = await startSluice({ dataDir, flags: demoFlags });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = new URL(`${await api.createSource('load')}?verbose=true`);
  const [first] = mappings;
  await api.createTableSink('load', { sinkId: 'changing', tableId: first!.table.tableId, columns: first!.table.mapping.columns });
  await api.createTableSink('load', { sinkId: 'steady', tableId: 'in.c-changes.steady', columns: [path('id', 'id')] });

  const book: Sent[] = [];
  let reached = 0;
  let asked = 0;
  let stopped = false;
  const send = async () => {
    const sent: Sent = { id: book.length, first: reached, last: 0, status: 0, stored: [] };
    book.push(sent);
    const marks = Object.fromEntries(mappings.map(({ number }) => [`m${number}`, String(number)]));
    const body = JSON.stringify({ id: sent.id, left: `left ${sent.id}`, right: `right ${sent.id}`, marks });
    const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const text = await response.text();
    sent.last = asked;
    sent.status = response.status;
    if (response.status !== 200) return;
    const sinks = answerSchema.parse(JSON.parse(text)).sources.flatMap((each) => each.sinks);
    expect(sinks.filter(({ statusCode }) => statusCode !== 200)).toEqual([]);
    sent.stored = sinks.map(({ sinkId }) => sinkId);
  };
  // Tables change under the sink, so their rows are compared one by one at the end.
  await using conservation = new ConservationWatch(dataDir);
  const load = Promise.all(
    Array.from({ length: clients }, async () => {
      for (; !stopped; await sleep(pauseMs)) await send();
    }),
  );
  for (const [index, { change }] of phases.entries()) {
    asked = index;
    await change(api);
    reached = index;
    await Promise.race([sleep(phaseMs), load]);
  }
  stopped = true;
  await load;
  expect(await conservation.stop()).toEqual([]);

  for (const { id, first: from, last: to, status, stored } of book) {
    const met = phases.slice(from, to + 1).map(({ sinks }) => sinks);
    // What is under way while a sink goes may be stored in it or not; a change of its mapping loses no row.
    const other = met.every((sinks) => sinks === both) || from === to ? [] : ['', 'changing', 'steady', 'changing,steady'];
    const allowed = [...met.map((sinks) => sinks?.join() ?? '404'), ...other];
    expect(allowed, `event ${id}, phases ${from} to ${to}`).toContain(status === 200 ? stored.join() : String(status));
  }
  const numbersOf = (sinkId: string) => book.filter(({ stored }) => stored.includes(sinkId)).map(({ id }) => id);
  const acknowledged = { changing: numbersOf('changing'), steady: numbersOf('steady') };
  for (let phase = 0; phase < phases.length; phase += 1) {
    expect(book.filter((sent) => sent.first === phase && sent.last === phase).length, `events within phase ${phase}`).toBeGreaterThan(20);
  }

  const sinksNow = async () => {
    const answer = await callAdmin(dataDir, 'status', {});
    return answer.running
      ? statusSchema.parse(answer.output).sinks.map(({ sink: key, rows }) => ({ sink: key.split('/').at(-1), ...rows }))
      : [];
  };
  const done = { local: 0, staged: 0, quarantined: 0, damaged: 0 };
  const sinks = await waitFor(sinksNow, (each) => each.every(({ local, staged }) => local + staged === 0));
  expect(sinks).toEqual([
    { sink: 'changing', ...done, imported: acknowledged.changing.length },
    { sink: 'steady', ...done, imported: acknowledged.steady.length },
  ]);

  expect(await conservationProblems(dataDir, { settled: true })).toEqual([]);
  expect(await runSluice('fsck', dataDir)).toMatchObject({ code: 0 });

  const columns = { one: 'id, mapping, text, more, NULL', two: 'id, mapping, text, more, uid' };
  const changing: { id: number; number: number }[] = [];
  for (const [table, list] of Object.entries(columns)) {
    for (const [id, number, text, more, uid] of await rowsOf(dataDir, table, list)) {
      const row = { id: Number(id), number: Number(number) };
      changing.push(row);
      expect({ table, text, more, hasUid: uid !== null }).toEqual({
        table: tableOf(row.number),
        ...textOf[row.number]!(row.id),
        hasUid: row.number === 5,
      });
      const { first: from, last: to } = book[row.id]!;
      expect(row.number, `mapping of event ${row.id}`).toBeGreaterThanOrEqual(phases[from]!.mapping);
      expect(row.number, `mapping of event ${row.id}`).toBeLessThanOrEqual(phases[to]!.mapping);
    }
  }
  const steady = await rowsOf(dataDir, 'steady', 'id');
  const sorted = (ids: readonly number[]) => ids.toSorted((one, other) => one - other);
  expect(sorted(changing.map(({ id }) => id))).toEqual(acknowledged.changing);
  expect(sorted(steady.map(([id]) => Number(id)))).toEqual(acknowledged.steady);
  expect(new Set(changing.map(({ number }) => number))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  expect(service.log()).not.toMatch(/"level":"error"/);
});
