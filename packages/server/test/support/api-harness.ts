import { setImmediate as turn } from 'node:timers/promises';
import type { AggregatedStatistics } from '@sluice/contract/aggregation';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse as InjectResponse } from 'fastify';
import { createApiServer } from '../../src/components/api/api-server.ts';
import type { ServerTimes } from '../../src/components/api/open-web-server.ts';
import { LocalTokenVerifier } from '../../src/features/accounts/local-token-verifier.ts';
import { LocalTokens } from '../../src/features/accounts/local-tokens.ts';
import { SecretVault } from '../../src/features/accounts/secret-vault.ts';
import type { TokenVerifier } from '../../src/features/accounts/token-verifier.ts';
import type { BoundOperation } from '../../src/features/definitions/bound-operation.ts';
import type { DefinitionHooks } from '../../src/features/definitions/definition-hooks.ts';
import { sinkKeyText } from '../../src/features/definitions/keys.ts';
import { TaskRunner } from '../../src/features/definitions/task-runner.ts';
import { credentialHeaders } from '../../src/features/mapping/headers-json.ts';
import { countingIds } from './counting-ids.ts';
import { assertDocumented } from './documented-answers.ts';
import { MemoryMetadataStore } from './memory-metadata-store.ts';
import { silentLogger } from './silent-logger.ts';
import { TestClock } from './test-clock.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, unknown>>;
}

const noStatistics: AggregatedStatistics = {
  total: { recordsCount: 0, compressedSize: 0, uncompressedSize: 0 },
  levels: {},
  files: [],
};

interface ApiHarnessOptions {
  readonly times?: ServerTimes;
  /** Operations of other features than definitions. */
  readonly furtherOperations?: (harness: ApiHarness) => readonly BoundOperation[];
  /** Instead of the local tokens. */
  readonly verifier?: TokenVerifier;
}

/** The API server on metadata in memory: a clock that stands, ids that count, answers checked against the contract. */
export class ApiHarness implements AsyncDisposable {
  readonly store = new MemoryMetadataStore();
  readonly clock = new TestClock();
  readonly #ids = countingIds();
  readonly vault = new SecretVault({ key: Buffer.alloc(32, 7), randomId: this.#ids });
  readonly tokens = new LocalTokens({ store: this.store, clock: this.clock, randomId: this.#ids });
  readonly timers: { readonly delayMs: number; readonly fire: () => void }[] = [];
  readonly tasks = new TaskRunner({
    store: this.store,
    clock: this.clock,
    logger: silentLogger,
    randomId: this.#ids,
    nodeId: 'node-1',
    startTimer: (delayMs, fire) => {
      const timer = { delayMs, fire };
      this.timers.push(timer);
      return () => this.timers.splice(this.timers.indexOf(timer), 1);
    },
  });
  readonly hooks: { -readonly [Name in keyof DefinitionHooks]: DefinitionHooks[Name] } = {
    prepareTarget: async () => {},
    sinkActivated: async () => ({ checks: [], writes: [] }),
    sinkChanged: async () => ({ checks: [], writes: [] }),
    sinkDeactivated: async () => ({ checks: [], writes: [] }),
    dropTargets: async () => {},
  };
  /** By text of the sink's key; of others there is none. */
  readonly statistics = new Map<string, AggregatedStatistics>();
  readonly #app: FastifyInstance[] = [];
  token = '';
  readToken = '';

  static async open(options: ApiHarnessOptions = {}): Promise<ApiHarness> {
    const harness = new ApiHarness();
    const { store, clock, vault, tokens, tasks, hooks } = harness;
    harness.token = (await tokens.create({ role: 'admin', description: 'admin token' })).token;
    harness.readToken = (await tokens.create({ role: 'read' })).token;
    harness.#app.push(
      await createApiServer({
        store,
        clock,
        vault,
        tasks,
        hooks,
        sinkStatistics: async (key) => harness.statistics.get(sinkKeyText(key)) ?? noStatistics,
        logger: silentLogger,
        verifier: options.verifier ?? new LocalTokenVerifier({ tokens, store, clock, logger: silentLogger }),
        randomId: harness.#ids,
        hiddenHeaders: credentialHeaders,
        mapping: { maxRowBytes: 10_000, uuid: () => '01979f5e-0000-7000-8000-000000000000' },
        clientIpOf: () => '192.0.2.1',
        apiUrl: () => 'https://api.test',
        sourceUrl: 'https://in.test',
        ...(options.times && { times: options.times }),
        furtherOperations: options.furtherOperations?.(harness) ?? [],
      }),
    );
    return harness;
  }

  get app(): FastifyInstance {
    return this.#app[0]!;
  }

  /** Any request, without a token unless it has one. Rejects where the answer is not as the contract says. */
  async inject(request: InjectOptions | string): Promise<InjectResponse> {
    const response = await this.app.inject(request);
    const { method = '', url = '' } = response.raw.req;
    const { statusCode: status, body: text, headers } = response;
    assertDocumented({ method, url, status, text, contentType: headers['content-type'] });
    return response;
  }

  /** Resolves to the URL of a real listener. */
  listen(): Promise<string> {
    return this.app.listen({ host: '127.0.0.1', port: 0 });
  }

  async call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'OPTIONS' | 'HEAD',
    url: string,
    options: Omit<InjectOptions, 'method' | 'url'> = {},
  ): Promise<Answer> {
    const headers = { 'x-storageapi-token': this.token, ...options.headers };
    const { statusCode, body, headers: answered } = await this.inject({ ...options, method, url, headers });
    return { status: statusCode, text: body, body: body.startsWith('{') ? JSON.parse(body) : {}, headers: answered };
  }

  get(url: string): Promise<Answer> {
    return this.call('GET', url);
  }

  post(url: string, payload: object): Promise<Answer> {
    return this.call('POST', url, { payload });
  }

  /** Starts a task and waits for its end. */
  async change(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', url: string, payload?: object): Promise<Answer> {
    const task = await this.call(method, url, payload === undefined ? {} : { payload });
    if (task.status !== 202) throw new Error(task.text);
    return this.finished(task);
  }

  /** The task once it is finished. */
  async finished(task: Answer): Promise<Answer> {
    for (;;) {
      const answer = await this.get(`/v1/tasks/${String(task.body['taskId'])}`);
      if (answer.status !== 200 || answer.body['isFinished'] === true) return answer;
      await turn();
    }
  }

  /** Creates and waits; throws the text of a failure. */
  async create(url: string, payload: object): Promise<void> {
    const task = await this.post(url, payload);
    if (task.status !== 202) throw new Error(task.text);
    const end = await this.finished(task);
    if (end.body['status'] !== 'success') throw new Error(end.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tasks.drain(0);
    await this.app.close();
    await this.store[Symbol.asyncDispose]();
  }
}
