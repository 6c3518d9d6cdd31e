import type { IncomingMessage, ServerResponse } from 'node:http';
import { Reservation } from '../../../kernel/async/byte-budget.ts';
import { formatByteSize } from '../../../kernel/codec/byte-size.ts';
import { isAppError } from '../../../kernel/errors/app-error.ts';
import type { AppendOutcome, EventAppender } from '../event-appender.ts';
import { type EventBody, EventBodyParser } from '../event-body.ts';
import type { EventRequestOptions } from '../event-request-options.ts';
import { explainEvents, maxExplained } from '../explain.ts';
import {
  answerDisabled,
  answerFault,
  answerHealth,
  answerIngested,
  answerInvalid,
  answerJson,
  answerMethodNotAllowed,
  answerNotFound,
  type EventFault,
} from './event-answer.ts';
import { eventForm } from './event-form.ts';
import { feedBody } from './feed-body.ts';

const healthPaths = new Set(['/', '/healthz', '/health-check']);
const maxKeyBytes = 255;

/** One request of the events API, from its headers to its answer. */
export class EventRequest {
  readonly #options: EventRequestOptions;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(options: EventRequestOptions, request: IncomingMessage, response: ServerResponse) {
    this.#options = options;
    this.#request = request;
    this.#response = response;
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
    const { method = '', url = '/', headers, httpVersion } = this.#request;
    const response = this.#response;
    if (httpVersion === '1.1' && headers.host === undefined)
      return this.#refuse({ code: 'badRequest', message: 'the request has no Host header', close: true });
    const path = url.split('?', 1)[0] ?? '/';
    const takesEvents = path === '/' || path === '/explain';
    if (takesEvents && method === 'POST') return await this.#receive(path, expectsContinue);
    if (healthPaths.has(path) && (method === 'GET' || method === 'HEAD')) answerHealth(response);
    else if (healthPaths.has(path)) answerMethodNotAllowed(response, path === '/' ? 'GET, HEAD, POST' : 'GET, HEAD');
    else if (takesEvents) answerMethodNotAllowed(response, 'POST');
    else answerNotFound(response);
    this.#request.resume();
  }

  async #receive(path: '/' | '/explain', expectsContinue: boolean): Promise<void> {
    const { target, rules } = this.#options;
    if (target === 'disabled') {
      this.#request.resume();
      answerDisabled(this.#response);
      return;
    }
    const contentType = this.#request.headers['content-type'] ?? '';
    const form = eventForm(contentType);
    const isKeyed = this.#request.headers['idempotency-key'] !== undefined;
    const key = this.#idempotencyKey();
    if (form === undefined) {
      const status = rules.compatStatus ? 400 : undefined;
      return this.#refuse({ code: 'unsupportedMediaType', message: `unsupported content type ${contentType}`, status, close: true });
    }
    if (isKeyed && key === undefined) {
      const message = `Idempotency-Key must be one text of 1 to ${maxKeyBytes} characters of ASCII`;
      return this.#refuse({ code: 'badRequest', message, close: true });
    }
    const trouble = target.trouble();
    if (trouble !== undefined) return this.#refuse({ code: 'logUnavailable', message: `nothing can be stored: ${trouble}`, close: true });
    if (expectsContinue) this.#response.writeContinue();
    const held = new Reservation(this.#options.budget);
    let isReleasedLater = false;
    try {
      const body = await this.#read(form, { path, held });
      if (body === undefined) return;
      if (path === '/explain') answerJson(this.#response, explainEvents({ body, current: await target.currentRoutes() }));
      else if (body.rejected > 0 && rules.onInvalid === 'reject') {
        this.#options.meter.rejected(body.rejected);
        this.#warn('invalid', { rejected: body.rejected, first: body.errors[0]?.reason });
        answerInvalid(this.#response, body);
      } else {
        isReleasedLater = true;
        await this.#store(body, { appender: target.appender, key, release: held.release });
      }
    } finally {
      if (!isReleasedLater) held.release();
    }
  }

  /** Undefined where the request was refused or its client is gone. */
  async #read(
    form: 'json' | 'lines',
    { path, held }: { path: '/' | '/explain'; held: Reservation },
  ): Promise<Extract<EventBody, { type: 'events' }> | undefined> {
    const { rules, clock } = this.#options;
    const maxEvents = path === '/' ? rules.maxEvents : Math.min(maxExplained, rules.maxEvents);
    const { maxBodyBytes, maxFutureSkewMs, amountEncoding: encoding } = rules;
    const announced = Number(this.#request.headers['content-length'] ?? 0);
    if (announced <= maxBodyBytes && !held.growTo(announced)) return this.#refuseOverload();
    const passthrough = rules.textPassthrough && path === '/';
    const parser = new EventBodyParser({ form, context: { arrivalMs: clock.now(), maxFutureSkewMs }, encoding, passthrough, maxEvents });
    const end = await feedBody(this.#request, {
      maxBytes: maxBodyBytes,
      take: (bytes) => {
        if (!parser.push(bytes)) return 'enough';
        return held.growTo(parser.heldBytes) ? 'more' : 'overloaded';
      },
    });
    switch (end.type) {
      case 'aborted':
        return undefined;
      case 'overloaded':
        return this.#refuseOverload();
      case 'tooLarge': {
        const message = `the body is over the maximum of ${formatByteSize(maxBodyBytes)}`;
        return this.#refuse({ code: 'bodyTooLarge', message, close: true });
      }
      case 'undecodable':
        return this.#refuse({ code: end.code, message: end.reason, close: true });
      case 'enough':
      case 'ended':
        break;
    }
    const body = parser.end();
    const close = end.type === 'enough';
    if (body.type === 'events') return body;
    if (body.type === 'malformed') return this.#refuse({ code: 'badRequest', message: body.reason, close });
    return this.#refuse({ code: 'bodyTooLarge', message: `the body has more than ${maxEvents} events`, close });
  }

  async #store(
    { chunks, accepted, rejected, errors }: Extract<EventBody, { type: 'events' }>,
    { appender, key, release }: { appender: EventAppender; key: Buffer | undefined; release: () => void },
  ): Promise<void> {
    const { meter, clock } = this.#options;
    const startedAt = clock.monotonic();
    const outcome = await appender.append({ chunks, key, release });
    if (outcome.type === 'failed') return this.#failAppend(outcome, accepted);
    meter.accepted(accepted, (clock.monotonic() - startedAt) / 1000);
    if (rejected > 0) meter.rejected(rejected);
    this.#options.logger.debug({ count: accepted, contentType: this.#request.headers['content-type'] }, 'ingested events');
    answerIngested(this.#response, accepted, { rejected, errors });
  }

  #failAppend({ code, reason, stored, isInDoubt, error }: Extract<AppendOutcome, { type: 'failed' }>, accepted: number): void {
    const mark = isInDoubt ? 'unknown' : stored > 0 ? 'partial' : 'none';
    const status = code === 'logTopicNotFound' ? 503 : undefined;
    const what = {
      none: 'none of the events is stored',
      partial: `${stored} of ${accepted} events are stored`,
      unknown: 'the events may be stored; repeat the request with the same Idempotency-Key',
    };
    if (code === 'internalError') this.#logFailure(error);
    else this.#warn(code, { reason, stored, accepted });
    answerFault(this.#response, { code, status, message: `${reason}: ${what[mark]}`, stored: mark });
  }

  #idempotencyKey(): Buffer | undefined {
    const given = this.#request.headers['idempotency-key'];
    if (typeof given !== 'string' || given.length === 0 || given.length > maxKeyBytes || !/^[\x20-\x7e]+$/.test(given)) return undefined;
    return Buffer.from(given, 'latin1');
  }

  #refuseOverload(): undefined {
    return this.#refuse({ code: 'overloaded', message: 'the node holds as many events as it may; try again', close: true });
  }

  #refuse(fault: EventFault): undefined {
    this.#warn(fault.code, { message: fault.message });
    answerFault(this.#response, fault);
    this.#request.resume();
  }

  #warn(key: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.rejections.warn({ key, fields: { code: key, ...fields }, message: 'events were not taken' });
  }

  #fail(error: unknown): void {
    const response = this.#response;
    if (isAppError(error) && error.disposition !== 'bug' && !response.headersSent) {
      this.#refuse({ code: error.code, message: error.message, status: Math.max(error.status, 503), close: true });
      return;
    }
    this.#logFailure(error);
    if (response.headersSent) response.destroy();
    else answerFault(response, { code: 'internalError', message: 'something unexpected happened', close: true, stored: 'unknown' });
  }

  #logFailure(error: unknown): void {
    this.#options.logger.error({ err: error }, 'a request failed');
  }
}
