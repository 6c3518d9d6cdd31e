import { routeSetSchema } from '@sluice/contract/event-routes';
import { z } from 'zod';
import { replayRoute } from '../features/events/replay-route.ts';
import { presetRoutes } from '../features/events/routes.ts';
import { RoutesLog } from '../features/events/routes-log.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import type { AdminCommands } from '../kernel/folder/admin-commands.ts';
import { type EventEngines, presetRouteNames } from './event-engines.ts';
import type { NodeProcess } from './node.ts';

const setInput = z.object({
  /** Absent: those that hold now. */
  routes: routeSetSchema.shape.routes.optional(),
  watermark: z.number().optional(),
});
const replayInput = z
  .object({
    route: z.enum(presetRouteNames),
    partition: z.int().min(0).optional(),
    offset: z.int().min(0).optional(),
    timeMs: z.number().optional(),
  })
  .refine(({ offset, timeMs }) => (offset === undefined) !== (timeMs === undefined), 'A replay begins at an offset or at a time.');

/** What the command line asks about the routes of the events. */
export function registerRoutesCommands(
  commands: AdminCommands,
  engines: EventEngines,
  deps: Pick<NodeProcess, 'config' | 'logger' | 'clock'>,
): void {
  const { config, logger, clock } = deps;
  const { topic: name, partitions } = config.events;
  const open = async () => {
    const log = await engines.log();
    const topic = await log.ensureTopic({ name, partitions });
    return { log, topic, routes: await RoutesLog.open({ log, topic, clock, logger }) };
  };
  // Two at once could store one event twice.
  let replaying: Promise<unknown> = Promise.resolve();
  commands.register({
    name: 'routes-show',
    input: z.object({}),
    run: async () => {
      const { topic, routes } = await open();
      return {
        topic: topic.name,
        topicId: topic.id,
        versions: routes.versions.map(({ version, since, set }) => ({ version, since, ...set })),
      };
    },
  });
  commands.register({
    name: 'routes-set',
    input: setInput,
    run: async ({ routes: wanted, watermark }) => {
      const { routes } = await open();
      const now = routes.latest?.set ?? presetRoutes(config.events.consumer.watermark ?? 5);
      const parsed = routeSetSchema.safeParse({ routes: wanted ?? now.routes, watermark: watermark ?? now.watermark });
      if (!parsed.success) throw new AppError('badRequest', parsed.error.issues.map(({ message }) => message).join('; '));
      const { version, since, set } = await routes.ensure(parsed.data);
      return { version, since, ...set };
    },
  });
  commands.register({
    name: 'routes-replay',
    input: replayInput,
    run: async ({ route, partition, offset, timeMs = 0 }) => {
      const { log, topic, routes } = await open();
      const store = await engines.series(route);
      const signal = new AbortController().signal;
      const from = offset === undefined ? { timeMs } : { offset };
      const maxFutureSkewMs = config.events.api.maxFutureSkew;
      const replay = replaying.then(() => replayRoute({ log, store, topic, routes, route, partition, from, maxFutureSkewMs, signal }));
      replaying = replay.catch(() => {});
      return await replay;
    },
  });
}
