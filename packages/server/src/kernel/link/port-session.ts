export interface PortCall {
  /** What came with the question; a view of the frame. */
  readonly bytes: Buffer;
  /** Aborts when the caller does, and when its connection ends. */
  readonly signal: AbortSignal;
}

export interface PortReply {
  /** JSON. */
  readonly answer: unknown;
  readonly bytes?: Uint8Array;
}

/** What one connection holds of a port. Disposed when the connection has ended: what it held is free then. */
export interface PortSession extends AsyncDisposable {
  /** Errors reach the client with their codes. Questions come in the order in which the client asked them. */
  answer(question: unknown, call: PortCall): Promise<PortReply>;
}

/** Opens a session at the first question of a connection; `notify` sends the client an event. */
export type OpenPort = (notify: (event: unknown) => void) => Promise<PortSession>;
