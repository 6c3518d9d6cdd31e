/** Smaller memories are left to the collector: what they cost it is less than giving them back one by one. */
const minGivenBackBytes = 32 * 1024;

/**
 * Gives the memory of the bytes back at once, where they fill it alone; they are empty afterwards. Large memories that wait for the
 * collector make it run in full for nothing else. For the last owner: nobody reads them any more, no write of them is on its way.
 */
export function giveBack({ buffer, length }: Uint8Array): void {
  if (length >= minGivenBackBytes && buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}
