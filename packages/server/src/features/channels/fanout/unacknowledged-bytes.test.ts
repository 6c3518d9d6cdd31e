import { expect, test } from 'vitest';
import { keyOf, parseSocketTables } from './unacknowledged-bytes.ts';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2397 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:2397 0201A8C0:C350 01 0000F000:00000000 01:00000014 00000000     0        0 2 2 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 0000000000000000FFFF00000100007F:2397 0000000000000000FFFF00000201A8C0:C351 01 00000010:00000000 01:0 0 0 0 3
   1: B80D0120000000000000000001000000:2397 B80D0120000000000000000002000000:C352 01 00000020:00000000 01:0 0 0 0 4
`;

test.each([
  ['192.168.1.2', 50_000, 0xf000],
  ['::ffff:192.168.1.2', 50_001, 0x10],
  ['2001:db8::2', 50_002, 0x20],
  ['192.168.1.3', 50_000, undefined],
])('bytes for %s port %i', (remoteAddress, remotePort, bytes) => {
  expect(parseSocketTables(table).get(keyOf({ localPort: 9111, remoteAddress, remotePort }))).toBe(bytes);
});
