import { ApiHarness } from './api-harness.ts';

export const sources = '/v1/branches/default/sources';
export const web = `${sources}/web`;
export const orders = `${web}/sinks/orders`;
export const sinkBody = (name: string, tableId = `in.c-web.${name}`) => ({
  type: 'table',
  name,
  table: { type: 'keboola', tableId, mapping: { columns: [{ type: 'body', name: 'raw' }] } },
});

/** The API with the source `web` and its sink `orders`, a minute old. */
export async function openLifecycleTree(): Promise<ApiHarness> {
  const api = await ApiHarness.open();
  await api.create(sources, { type: 'http', name: 'web' });
  await api.create(`${web}/sinks`, sinkBody('orders'));
  api.clock.advance(60_000);
  return api;
}

/** `1 New source.` and so on. */
export async function versionsOf(api: ApiHarness, path: string): Promise<string[]> {
  const { versions } = (await api.get(`${path}/versions`)).body as { versions: { number: number; description: string }[] };
  return versions.map(({ number, description }) => `${number} ${description}`);
}

/** How the record is stored: `active`, or `deleted`. */
export async function recordOf(api: ApiHarness, key: string): Promise<Record<string, unknown> | undefined> {
  const entry = await api.store.get(`definition/${key}`);
  return entry && JSON.parse(entry.value);
}

/** Active, disabled or deleted, in words, with what the operation was on. */
export async function stateOf(api: ApiHarness, kind: 'source' | 'sink', key: string): Promise<string> {
  const active = await recordOf(api, `${kind}/active/1/1/${key}`);
  const deleted = await recordOf(api, `${kind}/deleted/1/1/${key}`);
  const words = [active && 'active', deleted && `deleted ${by(deleted['deleted'])}`];
  const disabled = (active ?? deleted)?.['disabled'];
  if (disabled !== undefined) words.push(`disabled ${by(disabled)}`);
  return words.filter(Boolean).join(', ') || 'gone';
}

const by = (mark: unknown): string => (JSON.stringify(mark).includes('"directly":true') ? 'directly' : 'with its source');
