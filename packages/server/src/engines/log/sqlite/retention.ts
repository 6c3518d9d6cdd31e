/** A sealed segment as retention sees it. */
export interface SealedSegment {
  /** Arrival of its newest record. */
  readonly newestMs: number;
  readonly bytes: number;
  /** Per partition, where it begins and ends. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

export interface RetentionInput {
  /** Oldest first. */
  readonly segments: readonly SealedSegment[];
  readonly activeBytes: number;
  /** Per partition, the lowest offset that a known group has still to read; undefined where no group is known. */
  readonly floors: readonly number[] | undefined;
  readonly nowMs: number;
  readonly retentionMs: number;
  readonly maxBytes: number;
}

export interface RetentionPlan {
  /** So many of the oldest segments go. */
  readonly drop: number;
  /** Records in them that a known group had not read. */
  readonly lostRecords: number;
}

/** The oldest segments go while they are old and read by every known group, or while all are over the cap in bytes. */
export function planRetention({ segments, activeBytes, floors, nowMs, retentionMs, maxBytes }: RetentionInput): RetentionPlan {
  let bytes = activeBytes + segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let drop = 0;
  let lostRecords = 0;
  for (const segment of segments) {
    const unread = unreadIn(segment, floors);
    const isOver = bytes > maxBytes;
    if (!isOver && (unread > 0 || nowMs - segment.newestMs <= retentionMs)) break;
    drop += 1;
    bytes -= segment.bytes;
    lostRecords += unread;
  }
  return { drop, lostRecords };
}

function unreadIn({ begins, ends }: SealedSegment, floors: readonly number[] | undefined): number {
  if (floors === undefined) return 0;
  return ends.reduce((sum, end, partition) => sum + Math.max(0, end - Math.max(begins[partition] ?? 0, floors[partition] ?? 0)), 0);
}
