import { readForm } from './document/form-body.ts';
import type { BodyDocument } from './document/json-document.ts';
import { readJson } from './document/json-reader.ts';
import { credentialHeaders, firstHeader, headersJson, visibleHeaders } from './headers-json.ts';

export interface IngestRecordParts {
  /** Milliseconds since the epoch; every column and sink shows this one arrival time. */
  readonly receivedAt: number;
  readonly clientIp: string;
  /** Node's flat list of names and values, values as Latin-1. */
  readonly rawHeaders: readonly string[];
  /** Shared by all columns and sinks: nobody changes it. */
  readonly body: Buffer;
  /** Media type of the body, where it is not that of the headers; lower case. */
  readonly contentType?: string;
  /** Headers that no column shows, lower case; credentials by default. */
  readonly hiddenHeaders?: ReadonlySet<string>;
}

/**
 * One received event. What columns derive from it is made on first use, kept, and shared by all columns and sinks;
 * a body that cannot be parsed is found out once, too. It belongs to this record alone and goes with it.
 */
export class IngestRecord {
  readonly receivedAt: number;
  readonly clientIp: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly #hiddenHeaders: ReadonlySet<string>;
  #contentType: string | undefined;
  #headers: ReadonlyMap<string, string> | undefined;
  #headersJson: Buffer | undefined;
  #document: BodyDocument | undefined;

  constructor({ receivedAt, clientIp, rawHeaders, body, contentType, hiddenHeaders = credentialHeaders }: IngestRecordParts) {
    this.receivedAt = receivedAt;
    this.clientIp = clientIp;
    this.rawHeaders = rawHeaders;
    this.body = body;
    this.#contentType = contentType;
    this.#hiddenHeaders = hiddenHeaders;
  }

  /** The media type in lower case without parameters, `''` if there is none. */
  get contentType(): string {
    this.#contentType ??= mediaType(firstHeader(this.rawHeaders, 'content-type'));
    return this.#contentType;
  }

  /** By canonical name, see headers-json.ts. */
  get headers(): ReadonlyMap<string, string> {
    this.#headers ??= visibleHeaders(this.rawHeaders, this.#hiddenHeaders);
    return this.#headers;
  }

  /** UTF-8 text of a JSON object, see headers-json.ts. */
  get headersJson(): Buffer {
    this.#headersJson ??= Buffer.from(headersJson(this.headers));
    return this.#headersJson;
  }

  /** The parsed body, by content type: JSON or form. */
  get document(): BodyDocument {
    this.#document ??= readBody(this.contentType, this.body);
    return this.#document;
  }

  /**
   * Drops what was derived; it is made again if somebody asks. For records that are kept after they were rendered:
   * a parsed body can take several times the memory of the body.
   */
  forgetDerived(): void {
    this.#headers = undefined;
    this.#headersJson = undefined;
    this.#document = undefined;
  }
}

function mediaType(header: string): string {
  // Nearly all are: it saves taking the others apart.
  return header === usualType ? header : (header.split(';', 1)[0] ?? '').trim().toLowerCase();
}

function readBody(contentType: string, body: Buffer): BodyDocument {
  if (contentType === usualType || jsonType.test(contentType)) return readJson(body);
  if (contentType === formType) return readForm(body);
  const reason = `unsupported content type "${contentType}", supported types: application/json and ${formType}`;
  return { ok: false, code: 'unsupportedMediaType', reason };
}

const usualType = 'application/json';
/** `application/json` and `application/<anything>+json`. */
const jsonType = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json$/;
const formType = 'application/x-www-form-urlencoded';
