import type { ChannelHub } from './channel-hub.ts';
import type { ChannelSources } from './channel-sources.ts';
import type { ChannelsView } from './channels-view.ts';

/** Channels as their order knows them, with the viewers that the hub knows; those that nobody sends to are there while they are watched. */
export function liveView(sources: Pick<ChannelSources, 'channels'>, hub: ChannelHub): ChannelsView {
  return {
    *channels() {
      const watched = new Map(hub.channels().map(({ channel, viewers }) => [channel, viewers]));
      for (const { id, epoch, packetsPerSecond, next, buffered, gaps, gapPackets } of sources.channels()) {
        const due = epoch === 0 ? undefined : next;
        yield { id, epoch, rate: packetsPerSecond, next: due, buffered, gaps, gapPackets, viewers: watched.get(id) ?? 0 };
        watched.delete(id);
      }
      for (const [id, viewers] of watched) {
        if (viewers > 0) yield { id, epoch: 0, rate: 0, next: undefined, buffered: 0, gaps: 0, gapPackets: 0, viewers };
      }
    },
    *sessions() {
      for (const { sessionId, user, channel, since, peer, packets, bytes, dropped, lagBytes } of hub.sessions()) {
        yield { sessionId, user, channel, openedAtMs: since, peer, packets, bytes, dropped, queuedBytes: lagBytes };
      }
    },
    closeSession: (sessionId) => hub.closeSession(sessionId),
    closeUser: (user) => hub.closeUser(user),
  };
}
