const packetBytes = 188;
const syncByte = 0x47;

/**
 * Where an MPEG transport stream begins in a payload: a sync byte that has others behind it at every 188 bytes.
 * Undefined where there is none.
 */
export function transportStart(payload: Uint8Array): number | undefined {
  const last = Math.min(packetBytes, payload.length);
  for (let start = 0; start < last; start += 1) if (isStart(payload, start)) return start;
  return undefined;
}

function isStart(payload: Uint8Array, start: number): boolean {
  for (let at = start; at < payload.length; at += packetBytes) if (payload[at] !== syncByte) return false;
  return true;
}
