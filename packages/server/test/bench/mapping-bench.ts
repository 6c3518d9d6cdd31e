import type { Column } from '@sluice/contract/mapping';
import { compileMapping, defaultMaxRowBytes } from '../../src/features/mapping/compile-mapping.ts';
import { IngestRecord } from '../../src/features/mapping/record.ts';
import { createUuidV7 } from '../../src/features/mapping/uuid.ts';
import { systemClock } from '../../src/kernel/time/clock.ts';

/**
 * Cost of rendering one event of about 1 kB, record included: a line `bench mapping-<columns> <value> us` each.
 * The best of many short rounds, so that other work on the machine disturbs little.
 */
const event = {
  id: '0195c3f0-1111-7abc-8def-0123456789ab',
  type: 'order.created',
  at: '2026-01-02T03:04:05.678Z',
  customer: { id: 123456, name: 'Jané Doe', email: 'jane.doe@example.com', tags: ['a', 'b', 'vip'] },
  items: Array.from({ length: 8 }, (_, index) => ({
    sku: `SKU-${index}`,
    amount: index,
    price: 12.5,
    text: `a "fine" product, number ${index}`,
  })),
  total: 1234.56,
  paid: true,
  note: null,
};
const body = Buffer.from(JSON.stringify(event));
const rawHeaders = [
  'Host',
  'localhost',
  'User-Agent',
  'bench/1.0',
  'Accept',
  '*/*',
  'Content-Type',
  'application/json',
  'X-Request-Id',
  'abc',
];

const path = (name: string): Column => ({ type: 'path', name, path: name, rawString: false, defaultValue: '' });
const paths = ['id', 'type', 'at', 'customer.email', 'items[3].sku', 'total', 'missing', 'items'].map(path);
const template = (content: string): Column => ({
  type: 'template',
  name: 't',
  rawString: false,
  template: { language: 'jsonnet', content },
});
const plain = (['uuid', 'datetime', 'ip', 'body', 'headers'] as const).map((type): Column => ({ type, name: type }));

const mappings: readonly (readonly [string, readonly Column[]])[] = [
  ...plain.map((column) => [column.type, [column]] as const),
  ['path-1', paths.slice(0, 1)],
  ['path-8', paths],
  ['template-paths', [template("Body('customer.name') + '-' + Body('items[3].sku')")]],
  ['template-object', [template("{ id: Body('id'), who: Body('customer').email, items: [item.sku for item in Body('items')] }")]],
  ['template-body', [template('Body()')]],
  ['all', [...plain, ...paths]],
];

const rounds = 40;
const recordsPerRound = 500;

for (const [name, columns] of mappings) {
  const mapping = compileMapping(columns, { maxRowBytes: defaultMaxRowBytes, uuid: createUuidV7({ clock: systemClock }) });
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    for (let count = 0; count < recordsPerRound; count += 1) {
      const outcome = mapping.render(new IngestRecord({ receivedAt: systemClock.now(), clientIp: '192.0.2.1', rawHeaders, body }));
      if (!outcome.ok) throw new Error(outcome.reason);
    }
    best = Math.min(best, (1000 * (performance.now() - start)) / recordsPerRound);
  }
  console.log(`bench mapping-${name} ${best.toFixed(2)} us`);
}
