import type { RecordHeader, StoredRecord } from '../../engines/log/log-engine.ts';

/** Which event of which request a record is, for those whose client gave an `Idempotency-Key`. */
export interface RecordOrigin {
  readonly key: Buffer;
  /** The event's place in the request. */
  readonly index: number;
}

const keyHeader = 'idempotency-key';
const indexHeader = 'idempotency-index';
/** Indexes whose bytes are kept: those of requests of usual size. */
const keptIndexes = 10_000;

/** Writes the headers of a record by its request's key and its event's index, which is in decimal digits. */
export function createOriginHeaders(): (origin: RecordOrigin) => readonly RecordHeader[] {
  const kept: Buffer[] = [];
  const bytesOf = (index: number): Buffer => {
    const known = kept[index];
    if (known) return known;
    const bytes = Buffer.from(String(index), 'latin1');
    if (index === kept.length && index < keptIndexes) kept.push(bytes);
    return bytes;
  };
  return ({ key, index }) => [
    { name: keyHeader, value: key },
    { name: indexHeader, value: bytesOf(index) },
  ];
}

const maxIndex = 2 ** 32 - 1;

/** Undefined for a record without these headers, or with ones that nobody here wrote: it repeats nothing. */
export function recordOrigin({ headers }: Pick<StoredRecord, 'headers'>): RecordOrigin | undefined {
  const key = headers.find(({ name }) => name === keyHeader)?.value;
  const text = headers.find(({ name }) => name === indexHeader)?.value.toString('latin1');
  if (key === undefined || text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const index = Number(text);
  return index <= maxIndex ? { key, index } : undefined;
}
