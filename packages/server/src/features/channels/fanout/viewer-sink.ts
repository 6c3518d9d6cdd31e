/** Where the bytes of a session go. Takes them in order; a callback is called once, when the system has taken the bytes, or with an error. */
export interface ViewerSink {
  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): unknown;
  /** What was written still goes out. */
  end(): void;
  /** At once. */
  destroy(): void;
}
