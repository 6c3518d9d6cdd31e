import { isUtf8 } from 'node:buffer';
import type { Operation } from '@sluice/contract/operation';
import type { z } from 'zod';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { RawRequest } from '../bound-operation.ts';
import { type Violation, violationError, violationsOf } from './validation-message.ts';

export interface DecodedRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

/**
 * What a request says, typed. A wrong body is told at once; after it, what is wrong in path, query and header is told together.
 * Raw bodies and operations without a body yield `undefined` as the body.
 */
export function decodeRequest<Params, Query, Body>(
  operation: Operation<Params, Query, Body>,
  request: RawRequest,
): DecodedRequest<Params, Query, Body | undefined> {
  const body = operation.body === undefined ? undefined : decodeBody(operation.body, request);
  const violations: Violation[] = [];
  const params = decodeTexts(operation.params, request.params, violations);
  const query = decodeTexts(operation.query, withoutEmpty(request.query), violations);
  if (operation.access !== 'public' && request.token === undefined) {
    violations.push({ code: 'missingField', text: '"X-StorageApi-Token" is missing from header' });
  }
  const error = violationError(violations);
  if (error !== undefined) throw error;
  if (params === undefined || query === undefined) throw new AppError('invariantBroken', 'A request was refused without a violation.');
  return { params: params.value, query: query.value, body };
}

function decodeTexts<Value>(schema: z.ZodType<Value>, texts: object, violations: Violation[]): { readonly value: Value } | undefined {
  const result = schema.safeParse(texts, { reportInput: true });
  if (result.success) return { value: result.data };
  violations.push(...violationsOf(result.error.issues, 'parameter'));
  return undefined;
}

const withoutEmpty = (query: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));

function decodeBody<Body>(schema: z.ZodType<Body>, { contentType, body }: RawRequest): Body {
  if (!isJson(contentType)) throw new AppError('unsupportedMediaType', `unsupported media type ${contentType}`);
  if (body === undefined || body.length === 0) throw new AppError('missingPayload', 'missing required payload');
  const value = withoutNulls(parseJson(body));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('decodePayload', 'the body must be a JSON object');
  }
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const violations = violationsOf(result.error.issues, 'body');
  const error = violationError(violations.filter(({ code }) => code === 'decodePayload').slice(0, 1)) ?? violationError(violations);
  throw error ?? new AppError('invariantBroken', 'A body was refused without a violation.');
}

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new AppError('decodePayload', 'the body is not valid UTF-8');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new AppError('decodePayload', errorText(cause), { cause });
  }
}

/** More than any body needs; schemas go down by recursion, and deeper ones would end the stack. */
const maxDepth = 64;

/** A field that is `null` counts as absent. */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (value === null) return undefined;
  if (typeof value !== 'object') return value;
  if (depth > maxDepth) throw new AppError('decodePayload', `the body is nested deeper than ${maxDepth} levels`);
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  const fields = Object.entries(value).map(([name, field]) => [name, withoutNulls(field, depth + 1)] as const);
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}

const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
