export interface SourceSettings {
  readonly maxPayloadBytes: number;
  /** What every frame begins with; empty where that is not known. */
  readonly magic: Uint8Array;
  readonly connectTimeoutMs: number;
  /** A connection without bytes for so long is given up. */
  readonly idleMs: number;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
}
