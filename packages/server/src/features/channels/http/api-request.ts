import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { dayMs, maxQueryHours } from '../../../engines/usage/usage-store.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { ChannelsView, LiveMount } from '../channels-view.ts';
import type { RegisteredUsersCache } from '../registered-users-cache.ts';
import type { UsageMeter } from '../usage-metrics.ts';
import { isUserId } from '../user-id.ts';
import { accessFault } from './api-access.ts';
import { type Fault, json, plainText, send, sendBareFault, sendFault, sendJson, wantsJson } from './api-answer.ts';
import { noParameters, packetsParameters, parseQuery, sessionsParameters, usageParameters } from './api-query.ts';
import { readFirstLine } from './first-line.ts';
import { type UsageRules, usageDetail, usageText, usageWindow } from './usage-answer.ts';

export interface ApiRequestOptions extends UsageRules {
  readonly users: RegisteredUsersCache;
  readonly view: ChannelsView;
  readonly live: LiveMount | undefined;
  readonly token: string;
  readonly logger: Logger;
  readonly meter: UsageMeter;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const invalidId: Fault = { code: 'badRequest', message: 'An id has 1 to 128 characters without blanks.' };

/** One request of the channels API, from its headers to its answer. */
export class ApiRequest {
  readonly #options: ApiRequestOptions;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #path: string;
  readonly #search: URLSearchParams;
  readonly #gone = new AbortController();

  constructor(options: ApiRequestOptions, request: IncomingMessage, response: ServerResponse) {
    this.#options = options;
    this.#request = request;
    this.#response = response;
    const { url = '/' } = request;
    const mark = url.indexOf('?');
    this.#path = mark < 0 ? url : url.slice(0, mark);
    this.#search = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    response.once('close', () => this.#gone.abort(new Error('the client is gone')));
  }

  /** Never rejects. `expectsContinue`: the client sends its body only after `100 Continue`. */
  async serve({ expectsContinue }: { readonly expectsContinue: boolean }): Promise<void> {
    try {
      await this.#route(expectsContinue);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#response.headersSent) this.#options.meter.answered(this.#response.statusCode);
  }

  async #route(expectsContinue: boolean): Promise<void> {
    const { httpVersion, headers, method } = this.#request;
    const path = this.#path;
    if (httpVersion === '1.1' && headers.host === undefined) {
      sendFault(this.#response, { code: 'badRequest', message: 'The request has no Host header.' }, ['Connection', 'close']);
      this.#request.resume();
      return;
    }
    if (path === '/register') return await this.#register(expectsContinue);
    if (path !== '/usage' && !path.startsWith('/usage/') && this.#options.live?.serve(this.#request, this.#response)) return;
    this.#request.resume();
    if (path === '/usage') send(this.#response, { status: 301, headers: ['Location', '/usage/'] });
    else if (path.startsWith('/usage/')) await this.#usage(path.slice('/usage/'.length));
    else if (path === '/health-check' && (method === 'GET' || method === 'HEAD'))
      send(this.#response, { status: 200, type: plainText, body: 'ok' });
    else await this.#administer();
  }

  async #register(expectsContinue: boolean): Promise<void> {
    if (this.#request.method !== 'POST') {
      this.#request.resume();
      this.#bareFault({ status: 405, code: 'methodNotAllowed', message: 'A user is registered by POST.', headers: ['Allow', 'POST'] });
      return;
    }
    if (expectsContinue) this.#response.writeContinue();
    const line = await readFirstLine(this.#request);
    if (line === undefined) return;
    const user = textOf(line);
    if (user === undefined || !isUserId(user)) {
      this.#bareFault({ status: 400, ...invalidId });
      return;
    }
    await this.#orBare500(async () => {
      await this.#options.users.register({ user, registeredAtMs: this.#options.clock.now() }, this.#gone.signal);
      send(this.#response, { status: 200 });
    });
  }

  async #usage(escaped: string): Promise<void> {
    if (this.#request.method !== 'GET') {
      this.#bareFault({ status: 405, code: 'methodNotAllowed', message: 'Usage is read by GET.', headers: ['Allow', 'GET'] });
      return;
    }
    if (escaped === '') {
      this.#bareFault({ status: 500, code: 'badRequest', message: 'The path has no user: /usage/<user>.' });
      return;
    }
    const user = idOf(escaped);
    if (user === undefined) {
      this.#bareFault({ status: 400, ...invalidId });
      return;
    }
    if (this.#search.size > 0) return await this.#usageDetail(user);
    await this.#orBare500(async () => {
      const body = await usageText(user, this.#options, this.#gone.signal);
      send(this.#response, { status: 200, type: wantsJson(this.#request) ? json : plainText, body });
    });
  }

  async #usageDetail(user: string): Promise<void> {
    if (!this.#mayPass()) return;
    const parameters = this.#parameters(usageParameters);
    if (!parameters) return;
    const window = usageWindow(parameters, this.#options.clock.now());
    if (!window)
      return this.#refuse({ code: 'badRequest', message: `Usage is told of at most ${maxQueryHours} hours, and from before to.` });
    sendJson(this.#response, await usageDetail(user, { window, parameters }, { ...this.#options, signal: this.#gone.signal }));
  }

  /** What the original system did not have. */
  async #administer(): Promise<void> {
    const [, collection = '', ...rest] = this.#path.split('/');
    const escaped = rest.length > 0 ? rest.join('/') : undefined;
    const route = routes.find((candidate) => candidate.collection === collection && candidate.hasId === (escaped !== undefined));
    if (!route) {
      send(this.#response, { status: 404, type: plainText, body: '404 page not found\n' });
      return;
    }
    if (!this.#mayPass()) return;
    const { methods } = route;
    const { method = '' } = this.#request;
    if (!methods.some((allowed) => allowed === method)) {
      sendFault(this.#response, { code: 'methodNotAllowed', message: `Here are ${methods.join(', ')}.` }, ['Allow', methods.join(', ')]);
      return;
    }
    const id = escaped === undefined ? '' : idOf(escaped);
    if (id === undefined) return this.#refuse(invalidId);
    if (route.name === 'packets') return await this.#packets(id);
    if (route.name === 'sessions') return this.#sessions();
    if (!this.#parameters(noParameters)) return;
    if (route.name === 'channels') this.#channels();
    else if (route.name === 'session') this.#closeSession(id);
    else if (method === 'DELETE') await this.#removeUser(id);
    else await this.#showUser(id);
  }

  async #showUser(user: string): Promise<void> {
    const found = await this.#options.store.findUser(user, this.#gone.signal);
    if (found) sendJson(this.#response, { user, registeredAt: utcTime(found.registeredAtMs) });
    else this.#refuse({ code: 'userNotFound', message: 'The user is not registered.' });
  }

  /** Nobody can come back meanwhile: the user is gone before the sessions are. */
  async #removeUser(user: string): Promise<void> {
    const wasThere = await this.#options.users.remove(user, this.#gone.signal);
    const closed = this.#options.view.closeUser(user);
    this.#options.logger.info({ user, sessions: closed }, 'user removed');
    if (wasThere) send(this.#response, { status: 204 });
    else this.#refuse({ code: 'userNotFound', message: 'The user is not registered.' });
  }

  #channels(): void {
    const channels = [...this.#options.view.channels()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
    sendJson(this.#response, { channels });
  }

  #sessions(): void {
    const parameters = this.#parameters(sessionsParameters);
    if (!parameters) return;
    const { user, channel, after = '', limit } = parameters;
    const wanted = [...this.#options.view.sessions()].filter(
      (session) =>
        session.sessionId > after &&
        (user === undefined || session.user === user) &&
        (channel === undefined || session.channel === channel),
    );
    const sorted = wanted.toSorted((one, other) => (one.sessionId < other.sessionId ? -1 : 1));
    const sessions = sorted
      .slice(0, limit)
      .map(({ sessionId: session, openedAtMs, ...shown }) => ({ session, ...shown, opened: utcTime(openedAtMs) }));
    sendJson(this.#response, { sessions, ...(sorted.length > limit && { next: sessions.at(-1)?.session }) });
  }

  #closeSession(id: string): void {
    if (this.#options.view.closeSession(id)) send(this.#response, { status: 204 });
    else this.#refuse({ code: 'sessionNotFound', message: 'There is no such session.' });
  }

  async #packets(user: string): Promise<void> {
    const parameters = this.#parameters(packetsParameters);
    if (!parameters) return;
    const { clock, store } = this.#options;
    const toMs = parameters.to ?? clock.now() + 1;
    const fromMs = parameters.from ?? Math.max(0, toMs - dayMs);
    if (fromMs > toMs || toMs - fromMs >= (maxQueryHours / 24) * dayMs)
      return this.#refuse({ code: 'badRequest', message: `Packets are told of less than ${maxQueryHours / 24} days, and from before to.` });
    const page = await store.listPackets({ user, afterMs: fromMs - 1, toMs, limit: parameters.limit }, this.#gone.signal);
    sendJson(this.#response, {
      user,
      packets: page.rows.map(({ user: _user, atMs, sessionId, ...run }) => ({ at: utcTime(atMs), session: sessionId, ...run })),
      ...(page.more && { next: utcTime(page.throughMs + 1) }),
    });
  }

  #mayPass(): boolean {
    const fault = accessFault(this.#request, this.#options.token);
    if (!fault) return true;
    sendFault(this.#response, fault, fault.code === 'tokenInvalid' ? ['WWW-Authenticate', 'Bearer'] : []);
    return false;
  }

  /** Undefined where the request was refused. */
  #parameters<Schema extends z.ZodType>(schema: Schema): z.output<Schema> | undefined {
    const parsed = parseQuery(schema, this.#search);
    if (parsed.ok) return parsed.value;
    this.#refuse({ code: 'badRequest', message: parsed.message });
    return undefined;
  }

  #refuse(fault: Fault): void {
    sendFault(this.#response, fault);
  }

  #bareFault(fault: Parameters<typeof sendBareFault>[2]): void {
    sendBareFault(this.#request, this.#response, fault);
  }

  /** The original answers every failure of its store so. */
  async #orBare500(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      if (!isAppError(error, 'usageUnavailable')) throw error;
      this.#options.logger.warn({ error: error.message }, 'the store of usage does not answer');
      this.#bareFault({ status: 500, code: error.code, message: error.message });
    }
  }

  #fail(error: unknown): void {
    if (this.#gone.signal.aborted) return;
    const response = this.#response;
    if (response.headersSent) response.destroy();
    else if (isAppError(error) && error.disposition !== 'bug') sendFault(response, error);
    else {
      this.#options.logger.error({ err: error }, 'a request failed');
      sendFault(response, { code: 'internalError', message: 'Something unexpected happened.' });
    }
  }
}

const routes = [
  { name: 'user', collection: 'users', hasId: true, methods: ['GET', 'DELETE'] },
  { name: 'channels', collection: 'channels', hasId: false, methods: ['GET'] },
  { name: 'sessions', collection: 'sessions', hasId: false, methods: ['GET'] },
  { name: 'session', collection: 'sessions', hasId: true, methods: ['DELETE'] },
  { name: 'packets', collection: 'packets', hasId: true, methods: ['GET'] },
] as const;

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** An id from a path; undefined where it is none. */
function idOf(escaped: string): string | undefined {
  try {
    const id = decodeURIComponent(escaped);
    return isUserId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
