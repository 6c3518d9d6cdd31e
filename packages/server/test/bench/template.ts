import { benchBody, measure } from '../../../jsonnet/test/bench/jsonnet-bench.ts';
import { compileTemplate } from '../../src/features/mapping/compile-template.ts';
import { readJson } from '../../src/features/mapping/document/json-reader.ts';
import { IngestRecord } from '../../src/features/mapping/record.ts';
import type { Figure } from './report.ts';

const body = Buffer.from(benchBody);
const record = (): IngestRecord =>
  new IngestRecord({ receivedAt: 0, clientIp: '192.0.2.1', rawHeaders: ['Content-Type', 'application/json'], body });

/** ns of a template of two paths for a record of 1 kB: with the parse that all columns share, after it, and that parse alone. */
export async function benchTemplate(): Promise<Figure[]> {
  const template = compileTemplate("Body('customer.name') + '-' + Body('shop.region')");
  const expected = '"Jan\u00e9 Doe-eu-central"';
  const text = (one: IngestRecord): string => {
    const value = template(one);
    if (value !== expected) throw new Error(`the template gives ${JSON.stringify(value)}`);
    return value;
  };
  const parsed = record();
  return [
    { id: 'jsonnet-record-two-paths', value: measure(() => text(record())), unit: 'ns', bar: 5000 },
    { id: 'jsonnet-record-two-paths-parsed', value: measure(() => text(parsed)), unit: 'ns' },
    { id: 'jsonnet-record-parse', value: measure(() => String(readJson(body).ok)), unit: 'ns' },
  ];
}
