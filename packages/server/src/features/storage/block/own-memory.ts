/** The bytes in a memory that they fill alone, so that it can be moved to another thread; copied where they share theirs. */
export function ownMemory({ buffer, byteOffset, length }: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === length;
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(new Uint8Array(buffer, byteOffset, length));
}
