/** What happened in a channel so far. */
export class OrderCounts {
  packets = 0;
  bytes = 0;
  /** Packets that waited for an earlier number. */
  reordered = 0;
  /** Numbers that came again. */
  duplicates = 0;
  /** Packets that were dropped: passed over before they came, or out of count. */
  late = 0;
  gaps = 0;
  /** Numbers that were passed over. */
  gapPackets = 0;
}
