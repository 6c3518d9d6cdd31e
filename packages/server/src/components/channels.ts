import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { browserMount } from '../features/channels/browser-mount.ts';
import { BrowserViewers } from '../features/channels/browser-viewers.ts';
import { ChannelHub } from '../features/channels/channel-hub.ts';
import { ChannelSources } from '../features/channels/channel-sources.ts';
import { createChannelsApi } from '../features/channels/channels-api.ts';
import { createFanoutMeter, fanoutMetricTable } from '../features/channels/fanout-metrics.ts';
import { liveView } from '../features/channels/live-view.ts';
import { orderMetricTable } from '../features/channels/order-metrics.ts';
import { RegisteredUsersCache } from '../features/channels/registered-users-cache.ts';
import { SlabBudget } from '../features/channels/slab-budget.ts';
import { UsageAccounts } from '../features/channels/usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from '../features/channels/usage-metrics.ts';
import { ViewerAdmission } from '../features/channels/viewer-admission.ts';
import { ViewerServer } from '../features/channels/viewer-server.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import { fanoutRules, sessionLimits, viewerServerSettings } from './channel-fanout-settings.ts';
import { orderRules, sourceAddresses, sourceSettings } from './channel-order-settings.ts';
import { packetTimeOf } from './channels-settings.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { FolderHolder } from './node.ts';
import { urlOf } from './public-url.ts';
import { type UsageEngine, usageFolder } from './usage-engine.ts';

const maxHeaderBytes = 16 * 1024;

/**
 * Component `channels`: packets of the sources in order to those who watch, users and their usage over HTTP. The store is not touched
 * until somebody asks for it. Returns the URLs by name.
 */
export async function startChannels(node: FolderHolder, engine: UsageEngine): Promise<Record<string, string>> {
  const { config, folder, lifecycle, metrics, readiness, clock } = node;
  const { channels: settings } = config;
  const { stream } = settings;
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
  const budget = new SlabBudget({ maxBytes: settings.maxBuffer });
  const fanoutMeter = createFanoutMeter(metrics.declare(fanoutMetricTable));
  const hub = new ChannelHub({
    rules: fanoutRules(stream),
    budget: { acquire: () => budget.take('replay'), release: () => budget.give('replay') },
    accounts,
    meter: fanoutMeter,
    clock,
    startTimer: systemTimer,
    sessionId: randomUUID,
  });
  const sources = new ChannelSources({
    addresses: sourceAddresses(settings.source),
    source: sourceSettings(settings.source),
    rules: orderRules(settings.reorder),
    maxChannels: settings.reorder.maxChannels,
    openOutput: hub.openOutput,
    budget,
    metrics: metrics.declare(orderMetricTable),
    logger,
    clock,
    startTimer: systemTimer,
    random: Math.random,
  });
  const admission = new ViewerAdmission({ users, limits: sessionLimits(stream), meter: fanoutMeter, logger });
  const server = createChannelsApi({
    store,
    users,
    view: liveView(sources, hub),
    live: browserMount(new BrowserViewers({ hub, admission, startTimer: systemTimer, heartbeatMs: stream.heartbeat })),
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
  const viewers = new ViewerServer({ hub, admission, settings: viewerServerSettings(stream), startTimer: systemTimer, logger });
  const viewersAt = await viewers.listen(stream.listen);
  lifecycle.add(viewers);
  // Stopped before the viewers: what it brings at its end is for them.
  lifecycle.add(sources);
  return { channels: urlOf(part.address, schemeOf(settings.tls)), 'channels-tcp': urlOf(viewersAt, 'tcp') };
}
