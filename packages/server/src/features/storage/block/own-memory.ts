/** The bytes in a memory that they fill alone, so that it can be moved to another thread; copied where they share theirs. */
export function ownMemory({ buffer, byteOffset, length }: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === length;
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(new Uint8Array(buffer, byteOffset, length));
}

/**
 * The output of zlib in a memory of its own, with `extra` bytes of no value behind it. The chunk that zlib wrote it to is given back at once:
 * a thread that makes little garbage otherwise collects its chunks late, and has kept 60 MB of them.
 */
export function resized({ buffer, byteOffset, length }: Buffer, { extra, chunkSize }: { extra: number; chunkSize: number }): Buffer {
  // Buffers of other lengths may lie in the pool, or be several chunks put together.
  const isChunk = buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === chunkSize;
  if (isChunk) return Buffer.from(buffer.transfer(length + extra));
  const copy = Buffer.allocUnsafeSlow(length + extra);
  copy.set(new Uint8Array(buffer, byteOffset, length));
  return copy;
}
