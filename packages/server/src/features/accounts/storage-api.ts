import { z } from 'zod';
import { AppError } from '../../kernel/errors/app-error.ts';
import { limitedText, networkReason } from '../../kernel/http/fetched.ts';
import { type TokenRefusal, tokenInvalid } from './token-verifier.ts';

interface StorageApiOptions {
  /** Where the Storage API is, without its `/v2/storage`. */
  readonly url: string;
}

interface Question {
  readonly token: string;
  readonly signal: AbortSignal;
}

type Answer<Value> = { readonly accepted: true; readonly value: Value } | TokenRefusal;

/** A project has some thousand buckets at most, and a token names each of them. */
const maxAnswerBytes = 4_194_304;

const textId = z.union([z.string().min(1), z.int()]).transform(String);
const numberId = z.union([
  z.int().min(1),
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number),
]);

const tokenSchema = z.object({
  id: textId,
  description: z.string().nullish(),
  isMasterToken: z.boolean(),
  owner: z.object({ id: numberId }),
  admin: z.object({ id: textId, name: z.string(), role: z.string().nullish() }).nullish(),
});
export type StorageToken = z.output<typeof tokenSchema>;

const branchesSchema = z.array(z.object({ id: numberId, isDefault: z.boolean() }));
const refusalSchema = z.object({ error: z.string(), code: z.string(), exceptionId: z.string().nullish() });

/**
 * What is asked of the Storage API of a Keboola stack. A refusal is told as the API words it.
 * `storageApiUnavailable` where it does not answer, or not as it should; no message shows anything of an answer, for the answer to
 * `tokens/verify` has the token in it.
 */
export class StorageApi {
  readonly #base: string;

  constructor({ url }: StorageApiOptions) {
    this.#base = `${url.replace(/\/+$/, '')}/v2/storage/`;
  }

  tokenDetail(question: Question): Promise<Answer<StorageToken>> {
    return this.#get('tokens/verify', { ...question, schema: tokenSchema });
  }

  /** Id of the default branch of the token's project. */
  async defaultBranch(question: Question): Promise<Answer<number>> {
    const answer = await this.#get('dev-branches', { ...question, schema: branchesSchema });
    if (!answer.accepted) return answer;
    const branch = answer.value.find(({ isDefault }) => isDefault);
    if (branch === undefined) throw unavailable('the project has no default branch');
    return { accepted: true, value: branch.id };
  }

  async #get<Schema extends z.ZodType>(
    path: string,
    { token, signal, schema }: Question & { readonly schema: Schema },
  ): Promise<Answer<z.output<Schema>>> {
    const { status, text } = await this.#fetch(path, { token, signal });
    const value = jsonOf(text);
    if (status === 200) {
      const answer = schema.safeParse(value);
      if (answer.success) return { accepted: true, value: answer.data };
      throw unavailable(`its answer to ${path} has not the expected form`);
    }
    const refusal = isRefusal(status) ? refusalSchema.safeParse(value) : undefined;
    if (refusal?.success) return refusalOf(refusal.data, { status, token });
    throw unavailable(`it answers ${path} with status ${status}`);
  }

  /** Redirects are not followed: they would carry the token to wherever they lead. */
  async #fetch(path: string, { token, signal }: Question): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const headers = { Accept: 'application/json', 'User-Agent': 'sluice', 'X-StorageApi-Token': token };
      const response = await fetch(this.#base + path, { headers, signal, redirect: 'manual' });
      const text = await limitedText(response, maxAnswerBytes);
      if (text === undefined) throw unavailable(`its answer is over ${maxAnswerBytes} bytes`);
      return { status: response.status, text };
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw unavailable(signal.aborted ? 'it does not answer in time' : networkReason(error));
    }
  }
}

/** 408 and 429 are no word about the token. */
const isRefusal = (status: number): boolean => status >= 400 && status < 500 && status !== 408 && status !== 429;

function refusalOf(
  { error, code, exceptionId }: z.output<typeof refusalSchema>,
  { status, token }: { readonly status: number; readonly token: string },
): TokenRefusal {
  const shown = (text: string) => text.replaceAll(token, '…').slice(0, 1000);
  return {
    accepted: false,
    status,
    error: /^[\w-]+(\.[\w-]+)+$/.test(code) ? shown(code) : tokenInvalid.error,
    message: error.trim() === '' ? tokenInvalid.message : shown(error),
    ...(exceptionId && { exceptionId: shown(exceptionId) }),
  };
}

export const unavailable = (reason: string): AppError =>
  new AppError('storageApiUnavailable', `The token cannot be verified by the Storage API: ${reason}.`);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
