import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A channel now, as `GET /channels` tells it. */
interface ChannelStatistics {
  readonly id: string;
  readonly epoch: number;
  /** Packets per second that were delivered in order lately. */
  readonly rate: number;
  /** Number that comes next; undefined before the first packet. */
  readonly next: number | undefined;
  /** Packets that wait for one before them. */
  readonly buffered: number;
  /** Gaps that were passed over, and the packets that are missing in them. */
  readonly gaps: number;
  readonly gapPackets: number;
  readonly viewers: number;
}

/** A session now, as `GET /sessions` tells it. */
export interface SessionStatistics {
  readonly sessionId: string;
  readonly user: string;
  readonly channel: string;
  readonly openedAtMs: number;
  /** Address of the viewer, `host:port`. */
  readonly peer: string;
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly queuedBytes: number;
}

/** What the HTTP API sees of channels and sessions, and may do with them. Calls are synchronous. */
export interface ChannelsView {
  channels(): Iterable<ChannelStatistics>;
  sessions(): Iterable<SessionStatistics>;
  /** False where there is none. */
  closeSession(sessionId: string): boolean;
  /** How many sessions of the user were closed. */
  closeUser(user: string): number;
}

/** Channels for browsers, on the listener of the API: what its own routes do not take. */
export interface LiveMount {
  /** False where the request is none of the mount's; nothing was done with it then. */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  /** A request to speak WebSocket. The socket has no time limit any more. False: as above, and the socket is ended. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}
