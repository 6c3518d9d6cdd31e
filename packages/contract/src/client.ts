import { ApiError, TaskError } from './client-errors.ts';
import type { Operation } from './operation.ts';
import { getTask } from './operations.ts';
import type { TaskAnswer } from './task.ts';

export interface ClientOptions {
  /** Base URL of the API, with or without a path of its own. */
  readonly apiUrl: string;
  readonly token: string;
  /** Branch of the calls that name none: `default`, unless said otherwise. */
  readonly branchId?: string;
  /** Ends every request and every wait of this client. */
  readonly signal?: AbortSignal;
  /** Longest time of one request. 35,000 by default: the service answers within 33 s. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
  /** The time between two looks at a task; rejects with the signal's reason as soon as it aborts. */
  readonly pause?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

type Empty = Record<never, never>;
type Optional<Key extends string, Value> = Empty extends Value ? { readonly [K in Key]?: Value } : { readonly [K in Key]: Value };
type NamedParams<Params> = Params extends { readonly branchId: string }
  ? Omit<Params, 'branchId'> & { readonly branchId?: string }
  : Params;

/** What a call sends: parameters of the path, of the query, and the body, as the operation declares them. */
export type CallInput<Params, Query, Body> = Optional<'params', NamedParams<Params>> &
  (unknown extends Body ? Empty : { readonly body: Body }) & {
    readonly query?: Partial<Query>;
    /** For operations that take any body as it is. */
    readonly rawBody?: { readonly contentType: string; readonly text: string };
    readonly signal?: AbortSignal;
  };

type CallArguments<Params, Query, Body> =
  Empty extends CallInput<Params, Query, Body> ? [input?: CallInput<Params, Query, Body>] : [input: CallInput<Params, Query, Body>];

/** The same for any operation. */
interface AnyInput {
  readonly params?: object;
  readonly query?: object;
  readonly body?: unknown;
  readonly rawBody?: { readonly contentType: string; readonly text: string };
  readonly signal?: AbortSignal;
}

/** A look at a task follows the start after the first of these, then after more and more, up to the last. */
const looks = { firstMs: 20, factor: 1.5, longestMs: 1000 };

/**
 * Client of the configuration API, for browsers and programs: needs `fetch`, `URL`, `AbortSignal` and timers, nothing else.
 * Operations are those of this package (`operations.ts` and its neighbours); answers are checked against their schemas.
 * Rejects with `ApiError` where the service refuses, with `TaskError` where a task fails, and as `fetch` does where nobody answers.
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #base: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = new URL(options.apiUrl).href.replace(/\/+$/, '');
  }

  /** The answer of one request. Of a write that is its task, just started. */
  call<Params, Query, Body, Answer>(
    operation: Operation<Params, Query, Body, Answer>,
    ...[input]: CallArguments<Params, Query, Body>
  ): Promise<Answer>;
  async call<Answer>(operation: Operation<unknown, unknown, unknown, Answer>, input: AnyInput = {}): Promise<Answer> {
    const { method } = operation;
    const path = pathOf(operation, { branchId: this.#options.branchId ?? 'default', ...input.params });
    const response = await this.#send(method, path + queryOf(input.query), input);
    const text = await response.text();
    const call = `${method} ${path}`;
    if (!response.ok) throw ApiError.of(call, { status: response.status, text });
    return decode(operation, { call, status: response.status, text });
  }

  /** Starts a task and resolves to its end. */
  run<Params, Query, Body>(
    operation: Operation<Params, Query, Body, TaskAnswer>,
    ...[input]: CallArguments<Params, Query, Body>
  ): Promise<TaskAnswer>;
  async run(operation: Operation<unknown, unknown, unknown, TaskAnswer>, input: AnyInput = {}): Promise<TaskAnswer> {
    return this.finished(await this.call(operation, input), input);
  }

  /** Waits for the end of a task that was started. */
  async finished(task: Pick<TaskAnswer, 'taskId'>, { signal }: { readonly signal?: AbortSignal } = {}): Promise<TaskAnswer> {
    const { pause = pauseFor } = this.#options;
    for (let delayMs = looks.firstMs; ; delayMs = Math.min(delayMs * looks.factor, looks.longestMs)) {
      const { taskId } = task;
      const seen = await this.call(getTask, { params: { taskId }, ...(signal && { signal }) });
      if (seen.status === 'error') throw new TaskError(seen);
      if (seen.isFinished) return seen;
      await pause(delayMs, this.#signalOf(signal));
    }
  }

  /** A redirect is an error: it would carry the token to wherever it leads, and a write to another path. */
  #send(method: string, target: string, { body, rawBody, signal }: AnyInput): Promise<Response> {
    const { token, timeoutMs = 35_000 } = this.#options;
    // Not called as a method of the options: browsers take `fetch` without an owner only.
    const request = this.#options.fetch ?? fetch;
    const content = rawBody ?? (body === undefined ? undefined : { contentType: 'application/json', text: JSON.stringify(body) });
    const ends = [AbortSignal.timeout(timeoutMs), this.#signalOf(signal)].filter((one) => one !== undefined);
    return request(this.#base + target, {
      method,
      redirect: 'error',
      signal: AbortSignal.any(ends),
      headers: { 'X-StorageApi-Token': token, ...(content && { 'Content-Type': content.contentType }) },
      ...(content && { body: content.text }),
    });
  }

  #signalOf(signal: AbortSignal | undefined): AbortSignal | undefined {
    const signals = [this.#options.signal, signal].filter((one) => one !== undefined);
    return signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }
}

/** Ids stay in their segment: what a URL would read as `.` or `..` leads to another operation, and is refused. */
function pathOf({ path }: Pick<Operation, 'path'>, params: object): string {
  const texts = new Map(Object.entries(params).map(([name, value]) => [name, String(value)]));
  return path.replaceAll(/\{(\w+)(\.\.\.)?\}/g, (_whole, name: string, rest: string | undefined) => {
    const text = texts.get(name) ?? '';
    const segments = rest === undefined ? [text] : text.split('/');
    if (segments.some((segment) => ['', '.', '..'].includes(segment))) throw new TypeError(`"${name}" cannot be "${text}".`);
    return segments.map(encodeURIComponent).join('/');
  });
}

function queryOf(query: object = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

interface Answered {
  readonly call: string;
  readonly status: number;
  readonly text: string;
}

function decode<Answer>({ answer, answerType }: Operation<unknown, unknown, unknown, Answer>, { call, status, text }: Answered): Answer {
  let value: unknown;
  try {
    value = text === '' ? undefined : answerType === undefined ? JSON.parse(text) : text;
  } catch (cause) {
    throw new ApiError(`${call}: the answer is no JSON`, { status, cause });
  }
  const result = answer.safeParse(value);
  if (result.success) return result.data;
  throw new ApiError(`${call}: the answer has not the form that this client knows`, { status, cause: result.error });
}

function pauseFor(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  const onAbort = () => reject(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}
