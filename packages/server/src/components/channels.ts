import { join } from 'node:path';
import { createChannelsApi } from '../features/channels/channels-api.ts';
import { noChannels } from '../features/channels/channels-view.ts';
import { RegisteredUsersCache } from '../features/channels/registered-users-cache.ts';
import { UsageAccounts } from '../features/channels/usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from '../features/channels/usage-metrics.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import { packetTimeOf } from './channels-settings.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { NodeProcess } from './node.ts';
import { urlOf } from './public-url.ts';
import { type UsageEngine, usageFolder } from './usage-engine.ts';

const maxHeaderBytes = 16 * 1024;

/**
 * Component `channels`: users and their usage over HTTP. Nothing is done, and no store is touched, until somebody asks.
 * Returns the URLs by name.
 */
export async function startChannels(node: NodeProcess, engine: UsageEngine): Promise<Record<string, string>> {
  const { config, folder, lifecycle, metrics, readiness, clock } = node;
  const { channels: settings } = config;
  const logger = node.logger.child({ component: 'channels' });
  const meter = createUsageMeter(metrics.declare(usageMetricTable));
  const store = await engine();
  const packetMsOf = packetTimeOf(settings);
  const accounts = lifecycle.use(
    'usage accounts',
    await UsageAccounts.open({
      store,
      journalFile: join(usageFolder(folder.path), 'journal.json'),
      flushMs: settings.usage.flush,
      packetMsOf,
      packetLog: settings.usage.packetLog,
      clock,
      startTimer: systemTimer,
      logger,
      meter,
    }),
  );
  readiness.add('channels-usage', () => accounts.check());
  const users = new RegisteredUsersCache({ store, clock, meter });
  const server = createChannelsApi({
    store,
    users,
    view: noChannels,
    clock,
    packetMsOf,
    compat: settings.usage.compat,
    token: settings.token,
    logger,
    meter,
    certificate: await openCertificate(node, { listener: 'channels', tls: settings.tls }),
    settings: {
      maxHeaderBytes,
      headerTimeoutMs: settings.requestTimeout,
      requestTimeoutMs: settings.requestTimeout,
      idleTimeoutMs: settings.idleTimeout,
      maxConnections: settings.maxConnections,
    },
  });
  const part = await openHttpServerPart({ name: 'channels', server, at: settings.listen });
  lifecycle.add(part);
  return { channels: urlOf(part.address, schemeOf(settings.tls)) };
}
