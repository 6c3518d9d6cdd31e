import type { Json } from '@sluice/jsonnet/json';
import type { NativeCall, NativeFunction, NativeParameter } from '@sluice/jsonnet/native-function';
import { createUtcFormatter } from '../../../kernel/codec/utc-time.ts';
import { type BodyFault, rootNode } from '../document/json-document.ts';
import { type BodyPath, compilePath, findNode } from '../document/path.ts';
import { canonicalHeaderName } from '../headers-json.ts';
import type { IngestRecord } from '../record.ts';
import { formatTime } from './strftime.ts';

/** The context of one evaluation. A template cannot catch errors, so a fault that is set ends the evaluation. */
export class TemplateInput {
  readonly record: IngestRecord;
  /** Of a body that cannot be parsed. */
  fault: BodyFault | undefined;
  /** Containers of the body that this evaluation has paid for. */
  #decoded: Set<number> | undefined;

  constructor(record: IngestRecord) {
    this.record = record;
  }

  /** Whether this evaluation asks for the container for the first time. The budget must not depend on what other columns have decoded. */
  isFirst(node: number): boolean {
    this.#decoded ??= new Set();
    if (this.#decoded.has(node)) return false;
    this.#decoded.add(node);
    return true;
  }
}

/**
 * What a template sees of its record. Bodies are parsed and decoded once for each record, as for other columns; a
 * call pays for what it reads again.
 */
export function templateFunctions(): Readonly<Record<string, NativeFunction>> {
  const arrivalTime = createUtcFormatter();
  const pathOf = createPathCache();
  return {
    Ip: { parameters: [], call: (_, call) => inputOf(call).record.clientIp },
    Now: {
      parameters: [optional('format')],
      call: ([format], call) => {
        const { receivedAt } = inputOf(call).record;
        if (format === undefined) return arrivalTime(receivedAt);
        const pattern = textOf('format', format);
        // Each verb takes as long as two steps or so.
        call.charge(pattern.length);
        try {
          return formatTime(pattern, receivedAt);
        } catch (error) {
          throw new Error(`datetime format "${pattern}" is invalid: ${error instanceof Error ? error.message : error}`);
        }
      },
    },
    HeaderStr: {
      parameters: [],
      call: (_, call) => {
        const lines = Array.from(headersOf(call), ([name, value]) => `${name}: ${value}\n`);
        const text = lines.sort((one, two) => (one < two ? -1 : 1)).join('');
        call.charge(text.length / charactersPerStep);
        return text;
      },
    },
    Header: {
      parameters: [optional('header'), optional('default')],
      call: ([header = '', fallback], call) => {
        const headers = headersOf(call);
        if (header === '') return Object.fromEntries(headers);
        const name = canonicalHeaderName(textOf('header', header));
        call.charge(name.length / charactersPerStep);
        return headers.get(name) ?? defaultOr(fallback, `header "${name}" not found`);
      },
    },
    BodyStr: {
      parameters: [],
      call: (_, call) => {
        const { body } = inputOf(call).record;
        call.charge(body.length / charactersPerStep);
        return body.toString();
      },
    },
    Body: {
      parameters: [optional('path'), optional('default')],
      call: ([path = '', fallback], call) => {
        const text = textOf('path', path);
        const document = documentOf(call);
        call.charge(text.length / pathCharactersPerStep + document.slots(rootNode) / slotsPerStep);
        const node = findNode(document, pathOf(text));
        if (node === undefined) return defaultOr(fallback, `path "${text}" not found in the body`);
        const slots = document.slots(node);
        if (slots > 1 && inputOf(call).isFirst(node)) call.charge(slots * stepsPerDecodedSlot);
        const value = document.value(node);
        if (typeof value === 'string') call.charge(value.length / charactersPerStep);
        return value;
      },
    },
  };
}

/** As the language itself pays for texts. */
const charactersPerStep = 64;
const pathCharactersPerStep = 8;
/** Numbers of the tape of a body, of which a look-up passes many. */
const slotsPerStep = 32;
/** To decode a member of an object takes three slots, and up to a microsecond. */
const stepsPerDecodedSlot = 3;
/** Of one template; the paths of a usual one are literals. */
const maxPaths = 100;

const optional = (name: string): NativeParameter => ({ name, optional: true });

function inputOf({ context }: NativeCall): TemplateInput {
  if (context instanceof TemplateInput) return context;
  throw new TypeError('a template was evaluated without a record');
}

function headersOf(call: NativeCall): ReadonlyMap<string, string> {
  const { headers } = inputOf(call).record;
  call.charge(headers.size);
  return headers;
}

function documentOf(call: NativeCall) {
  const input = inputOf(call);
  const body = input.record.document;
  if (body.ok) return body.document;
  const reason = `cannot parse request body:\n- ${body.reason.replace(/^cannot parse request json:/, 'invalid JSON:')}`;
  input.fault = { ...body, reason };
  throw new Error(reason);
}

function defaultOr(fallback: Json | undefined, message: string): Json {
  if (fallback === undefined) throw new Error(message);
  return fallback;
}

function textOf(parameter: string, value: Json): string {
  if (typeof value === 'string') return value;
  throw new Error(`parameter "${parameter}" must be a string`);
}

function createPathCache(): (text: string) => BodyPath {
  const paths = new Map<string, BodyPath>();
  return (text) => {
    const known = paths.get(text);
    if (known !== undefined) return known;
    const path = compilePath(text);
    if (paths.size < maxPaths) paths.set(text, path);
    return path;
  };
}
