/** Where the bytes of a session go. Takes them in order; a callback is called once, when the system has taken the bytes, or with an error. */
export interface ViewerSink {
  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): unknown;
  /** What was written still goes out. */
  end(): void;
  /** At once. */
  destroy(): void;
}

/** One that can say at once whether the system has taken bytes. */
export interface PromptSink extends ViewerSink {
  /** True: the system has all of them. False: not yet, or never, as the callback of the next `write` will tell. */
  writeAtOnce(bytes: Uint8Array): boolean;
}

export const isPrompt = (sink: ViewerSink): sink is PromptSink => 'writeAtOnce' in sink;
