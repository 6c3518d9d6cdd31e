import { errorBodySchema } from '@sluice/contract/error-body';
import type { Operation } from '@sluice/contract/operation';
import { documentationRoutes } from '../../src/components/api/documentation.ts';
import { contractOperations } from './contract-operations.ts';

interface SeenAnswer {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
  readonly text: string;
  readonly contentType: unknown;
}

const plainPaths: readonly string[] = ['/health-check', ...documentationRoutes.map(({ path }) => path)];
/** Of these each operation says which it answers; the others any may answer. */
const declaredStatuses = [403, 404, 409, 422];
const ofTheRouter = ['stream.api.endpointNotFound', 'stream.api.branchCountLimitReached'];

/**
 * Throws where an answer is not as the contract says: status, content type, fields, their order and every byte between them, and the
 * names of errors.
 */
export function assertDocumented(answer: SeenAnswer): void {
  const problem = answer.status >= 400 ? errorProblem(answer) : successProblem(answer);
  if (problem !== undefined) throw new Error(`${answer.method} ${answer.url}: ${problem}: ${answer.status} ${answer.text}`);
}

function errorProblem({ method, url, status, text, contentType }: SeenAnswer): string | undefined {
  if (contentType !== 'application/json') return `the content type of an error is ${contentType}`;
  if (method === 'HEAD') return text === '' ? undefined : 'an answer to HEAD has a body';
  const body = errorBodySchema.parse(JSON.parse(text));
  if (`${JSON.stringify(body, null, 2)}\n` !== text) return 'the error is not written as the contract says';
  if (body.statusCode !== status) return 'the body has another status';
  const isOwn = body.error.startsWith('stream.api.');
  if (isOwn && status >= 500 !== (body.exceptionId !== undefined)) return 'an exception id belongs to the statuses from 500 on';
  const operation = operationOf(method, url);
  const isDeclared = operation === undefined || ofTheRouter.includes(body.error) || operation.errors.includes(body.error);
  return isDeclared || !declaredStatuses.includes(status) ? undefined : `${operation.id} does not say that it answers ${body.error}`;
}

function successProblem({ method, url, status, text, contentType }: SeenAnswer): string | undefined {
  if (method === 'OPTIONS') return status === 204 && text === '' ? undefined : 'a preflight has no answer but 204';
  if (plainPaths.includes(pathOf(url)) || status === 301) return undefined;
  const operation = operationOf(method === 'HEAD' ? 'GET' : method, url);
  if (operation === undefined) return 'no operation is documented';
  if (status !== operation.status) return `the status of ${operation.id} is ${operation.status}`;
  if (method === 'HEAD') return text === '' ? undefined : 'an answer to HEAD has a body';
  if (text === '') return operation.answer.safeParse(undefined).success ? undefined : 'the body is missing';
  const { answer, answerType = 'application/json' } = operation;
  if (contentType !== answerType) return `the content type is ${contentType}`;
  if (answerType !== 'application/json') return answer.safeParse(text).success ? undefined : 'the text is not as documented';
  return `${JSON.stringify(answer.parse(JSON.parse(text)))}\n` === text ? undefined : `fields are not as ${operation.id} documents them`;
}

/** Words of a path win over parameters. */
function operationOf(method: string, url: string): Operation | undefined {
  const segments = pathOf(url).split('/');
  const candidates = contractOperations.filter((operation) => operation.method === method && matches(operation.path.split('/'), segments));
  return candidates.sort((one, other) => one.path.split('{').length - other.path.split('{').length)[0];
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const isOpen = pattern.at(-1)?.endsWith('...}') === true;
  const fits = isOpen ? segments.length >= pattern.length : segments.length === pattern.length;
  return fits && pattern.every((part, index) => part.startsWith('{') || part === segments[index]);
}

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';
