import { z } from 'zod';
import { AppError } from '../kernel/errors/app-error.ts';
import type { FolderOptions, FolderTools } from './folder-command.ts';

const versionSchema = z.object({
  version: z.int(),
  since: z.array(z.int()),
  watermark: z.number(),
  routes: z.array(z.object({ name: z.string(), when: z.string() })),
});
const shownSchema = z.object({ topic: z.string(), topicId: z.string(), versions: z.array(versionSchema) });
const replaySchema = z.array(
  z.object({
    partition: z.int(),
    from: z.int(),
    to: z.int(),
    records: z.int(),
    events: z.int(),
    added: z.int().optional(),
  }),
);

/** Every version with its predicates, and the first offset of each partition from which on it holds. */
export async function showRoutes({ ask, out }: FolderTools, { dataDir, json }: FolderOptions): Promise<void> {
  const shown = shownSchema.parse(await ask({ dataDir, command: 'routes-show', input: {} }));
  if (json === true) {
    out(`${JSON.stringify(shown)}\n`);
    return;
  }
  if (shown.versions.length === 0) out(`topic ${shown.topic} has no routes yet: the first consumer sets them\n`);
  for (const version of shown.versions) out(versionText(version));
}

interface SetOptions extends FolderOptions {
  readonly watermark?: string;
  readonly route?: readonly string[];
}

/** Settles once the new version is decided; it holds for records to come. */
export async function setRoutes({ ask, out }: FolderTools, { dataDir, json, watermark, route }: SetOptions): Promise<void> {
  if (watermark === undefined && route === undefined) throw new AppError('configInvalid', 'Give --watermark, --route, or both.');
  const number = watermark === undefined ? undefined : Number(watermark);
  if (number !== undefined && (watermark?.trim() === '' || !Number.isFinite(number)))
    throw new AppError('configInvalid', `--watermark must be a number, but is "${watermark}".`);
  const input = { ...(number !== undefined && { watermark: number }), ...(route && { routes: route.map(routeOf) }) };
  const version = versionSchema.parse(await ask({ dataDir, command: 'routes-set', input }));
  out(json === true ? `${JSON.stringify(version)}\n` : versionText(version));
}

interface ReplayOptions extends FolderOptions {
  readonly route: string;
  readonly from: string;
  readonly partition?: string;
}

/** One line for each partition. */
export async function replayRoutes({ ask, out }: FolderTools, { dataDir, json, route, from, partition }: ReplayOptions): Promise<void> {
  const isOffset = /^\d{1,15}$/.test(from);
  const timeMs = Date.parse(from);
  if (!isOffset && Number.isNaN(timeMs))
    throw new AppError('configInvalid', `--from must be an offset or a time like 2026-06-24T10:00:00Z, but is "${from}".`);
  if (partition !== undefined && !/^\d{1,4}$/.test(partition))
    throw new AppError('configInvalid', `--partition must be the number of a partition, but is "${partition}".`);
  const start = isOffset ? { offset: Number(from) } : { timeMs };
  const input = { route, ...start, ...(partition !== undefined && { partition: Number(partition) }) };
  const replays = replaySchema.parse(await ask({ dataDir, command: 'routes-replay', input }));
  if (json === true) {
    out(`${JSON.stringify(replays)}\n`);
    return;
  }
  for (const replay of replays) {
    const added = replay.added === undefined ? 'stored again' : `${replay.added} of them were missing and are stored`;
    out(
      `partition ${replay.partition}  offsets ${replay.from} to ${replay.to}  ${replay.events} events of ${replay.records} records, ${added}\n`,
    );
  }
}

function routeOf(text: string): { name: string; when: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new AppError('configInvalid', `--route is written name=predicate, as 'high=amount > watermark', but is "${text}".`);
  return { name: text.slice(0, at).trim(), when: text.slice(at + 1).trim() };
}

function versionText({ version, since, watermark, routes }: z.output<typeof versionSchema>): string {
  const lines = routes.map(({ name, when }) => `  ${name.padEnd(12)} ${when}\n`);
  return `version ${version}  from offsets ${since.join(', ')}  watermark ${watermark}\n${lines.join('')}`;
}
