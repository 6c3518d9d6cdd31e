/** Longer lines are no acknowledgements, and what they are is not kept. */
const maxLine = 64;

/** Reads `ACK <epoch>:<number>` from what a viewer sends behind its first line; other lines are passed over. */
export class AckLines {
  readonly #onAck: (epoch: number, sequence: number) => void;
  #partial = '';

  constructor(onAck: (epoch: number, sequence: number) => void) {
    this.#onAck = onAck;
  }

  read(chunk: Buffer): void {
    const lines = (this.#partial + chunk.toString('latin1')).split('\n');
    this.#partial = (lines.pop() ?? '').slice(0, maxLine);
    for (const line of lines) {
      const { epoch, number } = /^ACK (?<epoch>\d{1,16}):(?<number>\d{1,16})\r?$/.exec(line)?.groups ?? {};
      if (number !== undefined) this.#onAck(Number(epoch), Number(number));
    }
  }
}
