import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { BlockCodec } from '../block/block-codec.ts';
import { encodeMemberHeader, headerLength, memberFlag } from '../block/member-header.ts';
import { earliest, latest } from '../part/part-summary.ts';
import { type WalkStep, walkPart } from '../part/part-walk.ts';
import { importableText } from './importable-text.ts';

export interface PartRange {
  readonly path: string;
  readonly nonce: Buffer;
  readonly length: number;
}

interface ReencodeOptions {
  readonly codec: BlockCodec;
  readonly nulInText: boolean;
  /** Good rows that the parts hold: as many must go out. */
  readonly rows: number;
  /** Hears the rows of what was taken. */
  readonly onSent?: (rows: number) => void;
}

/** Raw bytes of a new member: as much as a busy source puts into one. */
const memberRawBytes = 256 * 1024;
type GoodStep = WalkStep & { readonly type: 'good' };

/**
 * The good rows of the parts in few large members instead of many small ones: an idle source makes a member of each row,
 * and these compress badly. Memory: one member. `invariantBroken` where rows went missing on the way.
 */
export async function* reencodeParts(parts: readonly PartRange[], options: ReencodeOptions): AsyncGenerator<Buffer> {
  const [first] = parts;
  if (!first) return;
  const gathered = new GatheredMember(first.nonce, options.codec);
  for (const part of parts) {
    await using file = await open(part.path, 'r');
    for await (const step of walkPart(file, { nonce: part.nonce, limit: part.length })) {
      if (step.type !== 'good') continue;
      gathered.add(await rawOf(file, step, options), step);
      if (gathered.rawBytes >= memberRawBytes) yield gathered.take();
    }
  }
  if (gathered.rawBytes > 0) yield gathered.take();
  options.onSent?.(gathered.rowsTaken);
  if (gathered.rowsTaken !== options.rows) {
    throw new AppError('invariantBroken', `Of ${options.rows} rows ${gathered.rowsTaken} were encoded anew.`);
  }
}

async function rawOf(file: FileHandle, step: GoodStep, { codec, nulInText }: ReencodeOptions): Promise<Buffer> {
  const { header } = step;
  const payload = Buffer.allocUnsafe(header.memberLength - step.headerLength);
  const { bytesRead } = await file.read(payload, 0, payload.length, step.offset + step.headerLength);
  const raw = codec.decompress(payload.subarray(0, bytesRead));
  if (raw.length !== header.rawLength) throw new AppError('invariantBroken', 'A member inflates to another length than its header says.');
  return (header.flags & (memberFlag.invalidUtf8 | memberFlag.nul)) === 0 ? raw : importableText(raw, nulInText);
}

class GatheredMember {
  readonly #nonce: Buffer;
  readonly #codec: BlockCodec;
  #raws: Buffer[] = [];
  #rows = 0;
  #sequence = 0;
  #firstAt: number | undefined;
  #lastAt: number | undefined;
  rawBytes = 0;
  rowsTaken = 0;

  constructor(nonce: Buffer, codec: BlockCodec) {
    this.#nonce = nonce;
    this.#codec = codec;
  }

  add(raw: Buffer, { header }: GoodStep): void {
    this.#raws.push(raw);
    this.rawBytes += raw.length;
    this.#rows += header.rows;
    this.#firstAt = earliest(this.#firstAt, header.firstAt);
    this.#lastAt = latest(this.#lastAt, header.lastAt);
  }

  take(): Buffer {
    const raw = Buffer.concat(this.#raws);
    const payload = this.#codec.compress(raw);
    const header = encodeMemberHeader(
      {
        flags: memberFlag.end,
        sequence: this.#sequence,
        memberLength: headerLength + payload.length,
        rows: this.#rows,
        rawLength: raw.length,
        payloadCrc: crc32(payload),
        rowsBefore: this.rowsTaken,
        firstAt: this.#firstAt ?? 0,
        lastAt: this.#lastAt ?? 0,
      },
      this.#nonce,
      this.#codec.container,
    );
    this.#sequence += 1;
    this.rowsTaken += this.#rows;
    this.#raws = [];
    this.#rows = 0;
    this.rawBytes = 0;
    this.#firstAt = undefined;
    this.#lastAt = undefined;
    return Buffer.concat([header, payload]);
  }
}
