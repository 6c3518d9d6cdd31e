import { SecretVault } from '../features/accounts/secret-vault.ts';
import type { TokenVerifier } from '../features/accounts/token-verifier.ts';
import { TaskRunner } from '../features/definitions/task-runner.ts';
import { createClientIp } from '../features/ingest/client-ip.ts';
import { headerNames } from '../features/mapping/headers-json.ts';
import { createUuidV7 } from '../features/mapping/uuid.ts';
import { createAggregatedStatistics } from '../features/storage/aggregated-statistics.ts';
import { quarantineOperations } from '../features/storage/quarantine-operations.ts';
import { statisticsOperations } from '../features/storage/statistics-operations.ts';
import { randomId } from '../kernel/codec/random-id.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { createApiServer } from './api/api-server.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { Node } from './node.ts';
import { publicUrl, urlOf } from './public-url.ts';
import { settingDefaults } from './storage-settings.ts';

interface ApiParts {
  readonly sourceUrl: string;
  readonly verifier: TokenVerifier;
}

/** Component `api`: the configuration API. Returns its base URL. */
export async function startApi(node: Node, { sourceUrl, verifier }: ApiParts): Promise<string> {
  const { config, lifecycle, metadata, clock, folder, storage } = node;
  const logger = node.logger.child({ component: 'api' });
  const tasks = new TaskRunner({ store: metadata, clock, logger, randomId, nodeId: folder.nodeId });
  await tasks.recover();
  lifecycle.add(tasks);
  const clientIp = createClientIp(config.source.http.trustedProxies);
  let apiUrl = publicUrl(config.api.publicUrl);
  const app = await createApiServer({
    store: metadata,
    vault: new SecretVault({ key: folder.secretKey, randomId }),
    tasks,
    hooks: storage.definitionHooks,
    sinkStatistics: createAggregatedStatistics({ store: metadata, view: storage.view }),
    hiddenHeaders: headerNames(config.source.http.hiddenHeaders),
    furtherOperations: [
      ...statisticsOperations({ store: metadata, view: storage.view, clock, logger }),
      ...quarantineOperations({ store: metadata, quarantine: storage.quarantine }),
    ],
    mapping: { maxRowBytes: config.storage.level.local.encoding.rowSizeLimit, uuid: createUuidV7({ clock }) },
    settingDefaults: settingDefaults(config),
    verifier,
    randomId,
    clientIpOf: (request) => clientIp(request.socket.remoteAddress, request.rawHeaders),
    clock,
    logger,
    certificate: await openCertificate(node, { listener: 'api', tls: config.api.tls }),
    apiUrl: () => apiUrl,
    sourceUrl,
  });
  lifecycle.use('api-server', { [Symbol.asyncDispose]: () => app.close() });
  const part = await openHttpServerPart({ name: 'api', server: app.server, at: config.api.listen });
  lifecycle.add(part);
  apiUrl ||= urlOf(part.address, schemeOf(config.api.tls));
  return apiUrl;
}
