/** Why a connection to a source, or the attempt to make one, has ended. */
export type DisconnectReason = 'refused' | 'ended' | 'reset' | 'failed' | 'connectTimeout' | 'stalled' | 'protocol' | 'stopped';

export type SourceState =
  | { readonly type: 'idle' }
  | { readonly type: 'connecting' }
  | { readonly type: 'streaming' }
  /** It is connected and not read, because the buffers are nearly full. */
  | { readonly type: 'paused' }
  /** This side has given the connection up. */
  | { readonly type: 'closing'; readonly reason: DisconnectReason }
  | { readonly type: 'backoff'; readonly reason: DisconnectReason; readonly waitMs: number };

export type SourceEvent =
  | { readonly type: 'connect' }
  | { readonly type: 'connected' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'giveUp'; readonly reason: DisconnectReason }
  | { readonly type: 'closed'; readonly reason: DisconnectReason; readonly waitMs: number }
  | { readonly type: 'stop' };

/**
 *     idle --> connecting --> streaming <--> paused
 *                |   ^            |            |
 *                |   |            v            |
 *                |   |   closing (stalled, protocol, connectTimeout)
 *                v   |            |
 *               backoff <---------' also when the source ends it
 *
 * An event that a state does not know changes nothing: it came from a socket that is given up.
 */
export function nextSourceState(state: SourceState, event: SourceEvent): SourceState {
  const isLinked = state.type === 'streaming' || state.type === 'paused';
  switch (event.type) {
    case 'connect':
      return state.type === 'idle' || state.type === 'backoff' ? { type: 'connecting' } : state;
    case 'connected':
      return state.type === 'connecting' ? { type: 'streaming' } : state;
    case 'pause':
      return state.type === 'streaming' ? { type: 'paused' } : state;
    case 'resume':
      return state.type === 'paused' ? { type: 'streaming' } : state;
    case 'giveUp':
      return isLinked || state.type === 'connecting' ? { type: 'closing', reason: event.reason } : state;
    case 'closed': {
      const reason = state.type === 'closing' ? state.reason : event.reason;
      return isLinked || state.type === 'connecting' || state.type === 'closing'
        ? { type: 'backoff', reason, waitMs: event.waitMs }
        : state;
    }
    case 'stop':
      return { type: 'idle' };
  }
}
