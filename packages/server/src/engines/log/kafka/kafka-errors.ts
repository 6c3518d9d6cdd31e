import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';

/** What an error tree of the client holds: ids of Kafka's protocol errors, codes of the client and of Node, the deepest messages. */
export interface KafkaTrouble {
  readonly apiIds: ReadonlySet<string>;
  readonly codes: ReadonlySet<string>;
  /** Of the innermost causes, each once. */
  readonly texts: readonly string[];
}

/** The client wraps errors into errors (`errors`, `cause`); only the innermost say what happened. */
export function troubleOf(error: unknown): KafkaTrouble {
  const apiIds = new Set<string>();
  const codes = new Set<string>();
  const texts = new Set<string>();
  const seen = new Set<unknown>();
  const walk = (node: unknown): void => {
    if (!(node instanceof Error) || seen.has(node)) return;
    seen.add(node);
    if ('apiId' in node && typeof node.apiId === 'string') apiIds.add(node.apiId);
    if ('code' in node && typeof node.code === 'string') codes.add(node.code);
    const inner = [
      ...('errors' in node && Array.isArray(node.errors) ? node.errors : []),
      ...(node.cause === undefined ? [] : [node.cause]),
    ];
    if (inner.length === 0) texts.add(node.message);
    for (const next of inner) walk(next);
  };
  walk(error);
  return { apiIds, codes, texts: [...texts] };
}

/** Codes of Node's TLS that say that the certificate is the trouble. */
const certificateCodes = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
];

interface Diagnosis {
  readonly code: ErrorCode;
  readonly advice: string;
}

function diagnose({ apiIds, codes }: KafkaTrouble): Diagnosis {
  if (codes.has('PLT_KFK_AUTHENTICATION') || apiIds.has('SASL_AUTHENTICATION_FAILED') || apiIds.has('UNSUPPORTED_SASL_MECHANISM')) {
    return { code: 'logDenied', advice: 'Check user, password and SASL mechanism.' };
  }
  if (certificateCodes.some((code) => codes.has(code))) {
    return {
      code: 'logDenied',
      advice: "Give the authority of the brokers' certificates as the CA file, and address the brokers by the names in them.",
    };
  }
  if ([...apiIds].some((id) => id.endsWith('_AUTHORIZATION_FAILED'))) {
    return { code: 'logDenied', advice: 'Grant the user this operation in the access control lists of Kafka.' };
  }
  if (apiIds.has('UNKNOWN_TOPIC_OR_PARTITION') || apiIds.has('UNKNOWN_TOPIC_ID') || apiIds.has('INCONSISTENT_TOPIC_ID')) {
    return { code: 'logTopicNotFound', advice: 'Create the topic, or wait until every broker knows it.' };
  }
  if (apiIds.has('OFFSET_OUT_OF_RANGE')) {
    return {
      code: 'logOffsetOutOfRange',
      advice: 'Its records are gone by retention, or the log has lost them; begin elsewhere if that is right.',
    };
  }
  if (apiIds.has('MESSAGE_TOO_LARGE') || apiIds.has('RECORD_LIST_TOO_LARGE')) {
    return { code: 'logRecordTooLarge', advice: 'Raise max.message.bytes of the topic to 1048588 at least.' };
  }
  if (apiIds.has('INVALID_RECORD')) return { code: 'invariantBroken', advice: 'A compacted topic takes records with keys only.' };
  if (codes.has('ECONNREFUSED') || codes.has('ENOTFOUND') || codes.has('EAI_AGAIN')) {
    return { code: 'logUnavailable', advice: 'Check the address of the brokers, and that they run.' };
  }
  if (codes.has('ECONNRESET') || codes.has('EPROTO')) {
    return { code: 'logUnavailable', advice: 'Check that the listener takes what is spoken: TLS or not, login or not.' };
  }
  return { code: 'logUnavailable', advice: 'It is tried again as long as the operation allows.' };
}

/** What the product says about an error of the client: what failed, why, and what to do. Errors of the product stay as they are. */
export function logErrorOf(error: unknown, doing: string): AppError {
  if (isAppError(error)) return error;
  const trouble = troubleOf(error);
  const { code, advice } = diagnose(trouble);
  const texts = trouble.texts.map((text) => text.replace(/\.$/, '')).join('; ');
  return new AppError(code, `Kafka could not ${doing}: ${texts || String(error)}. ${advice}`, { cause: error });
}
