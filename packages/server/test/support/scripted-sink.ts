import type { PromptSink } from '../../src/features/channels/fanout/viewer-sink.ts';

/** A viewer's socket whose writes end when the test says so, or at once. */
export class ScriptedSink implements PromptSink {
  readonly written: Uint8Array[] = [];
  isStalled: boolean;
  state: 'open' | 'ended' | 'destroyed' = 'open';
  #waiting: ((error?: Error) => void)[] = [];

  constructor({ isStalled = false } = {}) {
    this.isStalled = isStalled;
  }

  /** Writes that have not ended. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }

  /** The bytes count as written when the write is asked for; a copy, as the system makes one. */
  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void {
    if (this.state !== 'open') {
      queueMicrotask(() => onWritten?.(new Error('closed')));
      return;
    }
    if (bytes.length > 0) this.written.push(Buffer.from(bytes));
    if (onWritten === undefined) return;
    if (this.isStalled) this.#waiting.push(onWritten);
    else onWritten();
  }

  writeAtOnce(bytes: Uint8Array): boolean {
    if (this.state === 'open') this.written.push(Buffer.from(bytes));
    return this.state === 'open' && !this.isStalled;
  }

  /** The writes under way end, each with an error if one is given. */
  release(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const onWritten of waiting) onWritten(error);
  }

  end(): void {
    this.state = 'ended';
  }

  destroy(): void {
    this.state = 'destroyed';
    this.release(new Error('destroyed'));
  }
}
