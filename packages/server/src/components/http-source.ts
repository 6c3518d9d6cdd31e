import { once } from 'node:events';
import { SecretVault } from '../features/accounts/secret-vault.ts';
import type { TokenVerifier } from '../features/accounts/token-verifier.ts';
import { AppliedRevisionPublisher } from '../features/definitions/applied-revision-publisher.ts';
import { DefinitionMirror } from '../features/definitions/definition-mirror.ts';
import { createClientIp } from '../features/ingest/client-ip.ts';
import { DataAuth } from '../features/ingest/data-auth.ts';
import { createHttpSource } from '../features/ingest/http-source.ts';
import { createIngestMeter, ingestMetricTable } from '../features/ingest/ingest-metrics.ts';
import { IngestReport } from '../features/ingest/ingest-report.ts';
import { SinkRouter } from '../features/ingest/sink-router.ts';
import { SourceAuth } from '../features/ingest/source-auth.ts';
import { headerNames } from '../features/mapping/headers-json.ts';
import { createUuidV7 } from '../features/mapping/uuid.ts';
import { ByteBudget } from '../kernel/async/byte-budget.ts';
import { randomId } from '../kernel/codec/random-id.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import { RateLimitedLog } from '../kernel/observe/rate-limited-log.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { Node } from './node.ts';
import { publicUrl, urlOf } from './public-url.ts';

const rejectionLinesPerMinute = 10;

/** Component `http-source`: events over HTTP. Needs the writer of the same process. Returns its base URL. */
export async function startHttpSource(node: Node, verifier: TokenVerifier): Promise<string> {
  const { config, lifecycle, metadata, clock, folder, storage, writer, metrics } = node;
  if (!writer) throw new AppError('invariantBroken', 'http-source is started before the writer of its process.');
  const logger = node.logger.child({ component: 'http-source' });
  const publisher = new AppliedRevisionPublisher({ store: metadata, nodeId: folder.nodeId, logger });
  const definitions = new DefinitionMirror({ store: metadata, clock, logger, onApplied: (revision) => publisher.publish(revision) });
  lifecycle.add(startPart('definitions', (signal) => definitions.run(signal)));
  lifecycle.add(startPart('applied-revision', (signal) => publisher.run(signal)));
  await definitions.ready;

  const { http, queue } = config.source;
  const rows = new ByteBudget({ maxBytes: queue.maxBytes, maxItems: queue.maxRows });
  const report = new IngestReport({
    meter: createIngestMeter(metrics.declare(ingestMetricTable), rows),
    logger,
    rejections: new RateLimitedLog({ logger, linesPerMinute: rejectionLinesPerMinute }),
  });
  const router = new SinkRouter({
    nodeId: folder.nodeId,
    definitions,
    view: storage.view,
    writer,
    encoderOf: storage.encoderOf,
    uuid: createUuidV7({ clock }),
    maxRowBytes: config.storage.level.local.encoding.rowSizeLimit,
    budget: rows,
    onLost: (lost) => report.lost(lost),
    clock,
    logger,
  });
  const server = createHttpSource({
    certificate: await openCertificate(node, { listener: 'http-source', tls: http.tls }),
    dataAuth: new DataAuth({ verifier, definitions }),
    auth: new SourceAuth(definitions, new SecretVault({ key: folder.secretKey, randomId })),
    router,
    clientIp: createClientIp(http.trustedProxies),
    bodies: new ByteBudget({ maxBytes: http.maxBufferedBodies, maxItems: Number.POSITIVE_INFINITY }),
    maxBodyBytes: http.maxRequestBodySize,
    hiddenHeaders: headerNames(http.hiddenHeaders),
    settings: {
      maxHeaderBytes: http.maxHeaderSize,
      headerTimeoutMs: http.headerTimeout,
      requestTimeoutMs: http.requestTimeout,
      idleTimeoutMs: http.idleTimeout,
      maxConnections: http.maxConnections,
    },
    report,
    clock,
  });
  // Drained behind the server: what a client did not wait for is stored all the same.
  lifecycle.add({ name: 'sink-router', run: async (signal) => void (await once(signal, 'abort')), drain: () => router.drain() });
  const part = await openHttpServerPart({ name: 'http-source', server, at: http.listen });
  lifecycle.add(part);
  return publicUrl(http.publicUrl) || urlOf(part.address, schemeOf(http.tls));
}
