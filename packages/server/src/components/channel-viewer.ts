import { ChannelViewer } from '../features/channels/channel-viewer.ts';
import type { NodeProcess } from './node.ts';

/** Component `channel-viewer`: watches one channel as a client. `end` stops the process once it has seen enough. */
export function startChannelViewer({ config, lifecycle, ...node }: NodeProcess, end: () => void): void {
  const { duration, ...settings } = config.channelViewer;
  const logger = node.logger.child({ component: 'channel-viewer' });
  lifecycle.add(new ChannelViewer({ settings: { ...settings, durationMs: duration }, logger, onDone: end }));
}
