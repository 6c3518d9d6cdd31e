import { KeboolaTokenVerifier } from '../features/accounts/keboola-token-verifier.ts';
import { LocalTokenVerifier } from '../features/accounts/local-token-verifier.ts';
import { StorageApi } from '../features/accounts/storage-api.ts';
import type { TokenVerifier } from '../features/accounts/token-verifier.ts';
import { relieveFullDisk } from '../features/storage/relieve-full-disk.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { AdminCommands } from '../kernel/folder/admin-commands.ts';
import { openAdminSocket } from '../kernel/folder/admin-socket.ts';
import { type DataFolder, openDataFolder } from '../kernel/folder/data-folder.ts';
import { openEngineSocket } from '../kernel/folder/engine-socket.ts';
import type { ExitCode } from '../kernel/lifecycle/exit-code.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { Lifecycle } from '../kernel/lifecycle/lifecycle.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import type { Checkpoint } from '../kernel/observe/checkpoint.ts';
import type { Logger } from '../kernel/observe/logger.ts';
import { MetricRegistry } from '../kernel/observe/metrics.ts';
import { createOperationsServer } from '../kernel/observe/operations-server.ts';
import { Readiness } from '../kernel/observe/readiness.ts';
import { adminCommands } from './admin.ts';
import { startApi } from './api.ts';
import { startChannelSource } from './channel-source.ts';
import { startChannelViewer } from './channel-viewer.ts';
import { startChannels } from './channels.ts';
import { type ComponentName, ingestComponents } from './component-names.ts';
import type { Config } from './config.ts';
import { enginePorts } from './engine-ports.ts';
import { eventEngines } from './event-engines.ts';
import { startEvents } from './events.ts';
import { startHttpSource } from './http-source.ts';
import { schemeOf } from './listener-certificate.ts';
import { type Node, type NodeProcess, nodeProcess, openNode, volumesFolder } from './node.ts';
import { publicUrl, urlOf } from './public-url.ts';
import { registerRoutesCommands } from './routes-admin.ts';
import { startStorageCoordinator } from './storage-coordinator.ts';
import { startStorageReader } from './storage-reader.ts';
import { startStorageWriter } from './storage-writer.ts';
import { registerUsageCommands } from './usage-admin.ts';
import { usageEngine } from './usage-engine.ts';

export interface ReadyReport {
  readonly ready: true;
  readonly urls: Readonly<Record<string, string>>;
  /** Of the admin token that the first start makes; on later starts absent. */
  readonly token?: string;
  /** Of that token, and of new ones that name no other; absent where tokens are another system's. */
  readonly project?: number;
  readonly branch?: number;
}

interface ServiceOptions {
  readonly components: ReadonlySet<ComponentName>;
  readonly config: Config;
  readonly logger: Logger;
  readonly checkpoint: Checkpoint;
  readonly stop: AbortSignal;
  readonly onReady: (report: ReadyReport) => void;
}

const firstProject = 1;
const firstBranch = 1;

/** Runs the components in this process, at least one, until `stop` aborts or one of them fails. Rejects only where the start fails. */
export async function runService({ components, config, logger, checkpoint, stop, onReady }: ServiceOptions): Promise<ExitCode> {
  assertComplete(components, config);
  const readiness = new Readiness();
  await using lifecycle = new Lifecycle({ logger, deadlineMs: config.shutdownTimeout, markNotReady: () => readiness.markStopping() });
  const metrics = new MetricRegistry();
  metrics.collectProcessMetrics();
  const folder = config.engine.socket === '' ? await holdFolder({ config, lifecycle, logger }) : undefined;
  const ended = new AbortController();
  const shared = nodeProcess({ config, folder, lifecycle, readiness, metrics, checkpoint, logger });
  const engines = eventEngines(shared);
  const holder = folder && { ...shared, folder };
  const usage = holder && usageEngine(holder);
  const node = holder && ingestComponents.some((name) => components.has(name)) ? await openNode(holder) : undefined;
  const urls = {
    ...(node && (await startComponents(node, components))),
    ...(await startEvents(shared, { components, engines, end: () => ended.abort() })),
    ...(components.has('channel-source') && { 'channel-source': await startChannelSource(shared, () => ended.abort()) }),
    ...(holder && usage && components.has('channels') && (await startChannels(holder, usage))),
  };
  if (components.has('channel-viewer')) startChannelViewer(shared, () => ended.abort());
  const operations = await openHttpServerPart({
    name: 'operations port',
    server: createOperationsServer({ readiness, metrics, logger }),
    at: config.operations.listen,
  });
  lifecycle.add(operations);
  if (holder && usage) {
    const { path } = holder.folder;
    const commands = node ? adminCommands(node, { isService: true }) : new AdminCommands();
    registerRoutesCommands(commands, engines, shared);
    registerUsageCommands(commands, usage, shared);
    lifecycle.add(await openAdminSocket({ folder: path, commands, logger }));
    const ports = enginePorts(config, engines);
    lifecycle.add(await openEngineSocket({ folder: path, token: config.engine.token, ports, logger }));
  }
  const running = lifecycle.run(AbortSignal.any([stop, ended.signal]));
  onReady({
    ready: true,
    urls: { ...urls, operations: urlOf(operations.address) },
    ...(node && config.accounts.verifier === 'local' && { ...(await firstToken(node)), project: firstProject, branch: firstBranch }),
  });
  return await running;
}

async function holdFolder({ config, lifecycle, logger }: Pick<NodeProcess, 'config' | 'lifecycle' | 'logger'>): Promise<DataFolder> {
  await relieveFullDisk(volumesFolder(config.dataDir));
  return lifecycle.use('data folder', await openDataFolder({ path: config.dataDir, logger }));
}

/** Before anything is opened. */
function assertComplete(components: ReadonlySet<ComponentName>, { engine }: Config): void {
  const holder = [...ingestComponents, 'channels' as const].find((name) => components.has(name));
  if (engine.socket !== '' && holder !== undefined)
    throw new AppError('configInvalid', `${holder} works in a data folder that its process holds: start it without engine.socket.`);
  if (components.has('http-source') && !components.has('storage-writer'))
    throw new AppError('configInvalid', 'http-source needs storage-writer in the same process: name both, or start `sluice all`.');
}

async function startComponents(node: Node, components: ReadonlySet<ComponentName>): Promise<Record<string, string>> {
  const urls: Record<string, string> = {};
  if (components.has('storage-coordinator')) startStorageCoordinator(node);
  if (components.has('storage-writer')) await startStorageWriter(node);
  if (components.has('storage-reader')) startStorageReader(node);
  const verifier = startTokenVerifier(node);
  const sourceUrl = components.has('http-source') ? await startHttpSource(node, verifier) : foreignSourceUrl(node.config);
  if (components.has('api')) urls['api'] = await startApi(node, { sourceUrl, verifier });
  if (components.has('http-source')) {
    urls['http-source'] = sourceUrl;
    urls['source'] = sourceUrl;
  }
  return urls;
}

/** One for all listeners: a token is asked for once a minute at most, whoever sends it. */
function startTokenVerifier({ config: { accounts }, tokens, metadata, clock, logger, lifecycle }: Node): TokenVerifier {
  if (accounts.verifier === 'keboola') return new KeboolaTokenVerifier({ api: new StorageApi({ url: accounts.keboola.url }), clock });
  const verifier = new LocalTokenVerifier({ tokens, store: metadata, clock, logger });
  lifecycle.add(startPart('tokens', (signal) => verifier.run(signal)));
  return verifier;
}

/** Where another process serves the sources that this one's API tells of. */
const foreignSourceUrl = ({ source: { http } }: Config): string => publicUrl(http.publicUrl) || urlOf(http.listen, schemeOf(http.tls));

/** A folder without any token gets one, or nobody could ever make a source. */
async function firstToken({ tokens }: Node): Promise<{ token?: string }> {
  if ((await tokens.list()).length > 0) return {};
  const { token } = await tokens.create({
    role: 'admin',
    description: 'made by the first start',
    projectId: firstProject,
    branchId: firstBranch,
  });
  return { token };
}
