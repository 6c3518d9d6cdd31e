import { readNumber, v1GapBytes, v1HeaderBytes, v1Types } from './frame-v1.ts';
import type { StreamFrame } from './stream-frame.ts';

/** The bytes are no `frame=v1`; nothing behind them can be read. */
export class BrokenFrames extends Error {
  override readonly name = 'BrokenFrames';
}

/** Reads frames of `frame=v1` from chunks that are cut anywhere. A payload is valid until the next call. */
export class V1Reader {
  readonly #maxBytes: number;
  #pending: Buffer = Buffer.alloc(0);

  /** `maxBytes`: of one frame without its head. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a frame that is not whole. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  /** The frames that are whole now. Throws `BrokenFrames`. */
  *read(chunk: Buffer): Generator<StreamFrame> {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (bytes.length - at >= v1HeaderBytes) {
      const length = bytes.readUInt32BE(at + 17);
      if (length > this.#maxBytes) throw new BrokenFrames(`A frame says that it has ${length} bytes.`);
      const end = at + v1HeaderBytes + length;
      if (end > bytes.length) break;
      yield frameOf(bytes.subarray(at, end));
      at = end;
    }
    // A copy: a slice would keep the whole chunk.
    this.#pending = Buffer.from(bytes.subarray(at));
  }
}

function frameOf(bytes: Buffer): StreamFrame {
  const epoch = readNumber(bytes, 1);
  const number = readNumber(bytes, 9);
  const body = bytes.subarray(v1HeaderBytes);
  switch (bytes[0]) {
    case v1Types.hello:
      return { type: 'hello', epoch, next: number };
    case v1Types.data:
      return { type: 'data', epoch, sequence: number, payload: body };
    case v1Types.gap:
      if (body.length !== v1GapBytes) throw new BrokenFrames(`A gap has ${body.length} bytes.`);
      return { type: 'gap', epoch, from: number, to: readNumber(body, 0), reason: body[8] ?? 0 };
    case v1Types.epoch:
      return { type: 'epoch', epoch, next: number };
    case v1Types.bye:
      return { type: 'bye', epoch, next: number, code: body.toString('ascii') };
    default:
      throw new BrokenFrames(`There is no frame of type ${bytes[0]}.`);
  }
}
