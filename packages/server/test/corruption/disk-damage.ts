/** What a disk or file system does to the bytes of a part. Offsets in bytes. */
export type DiskDamage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'overwrite'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'cut'; readonly at: number }
  /** What stands behind moves forwards. */
  | { readonly kind: 'remove'; readonly at: number; readonly length: number };

export function applyDamage(bytes: Buffer, damage: DiskDamage): Buffer {
  const { at } = damage;
  switch (damage.kind) {
    case 'cut':
      return bytes.subarray(0, at);
    case 'remove':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + damage.length)]);
    case 'flip': {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << damage.bit), at);
      return changed;
    }
    case 'overwrite': {
      const changed = Buffer.from(bytes);
      changed.set(damage.bytes.subarray(0, bytes.length - at), at);
      return changed;
    }
  }
}

/**
 * Where the change can be seen: from the first byte that may be held for changed, to the first one that is another than before.
 * They differ where bytes are removed among their like. Undefined where nothing changed.
 */
export function placeOfDamage(bytes: Buffer, damaged: Buffer, damage: DiskDamage): { from: number; to: number } | undefined {
  const common = Math.min(bytes.length, damaged.length);
  let to = damage.at;
  while (to < common && bytes[to] === damaged[to]) to += 1;
  if (to === common && bytes.length === damaged.length) return undefined;
  let from = damage.at;
  if (damage.kind === 'remove') while (from > 0 && bytes[from - 1] === bytes[from + damage.length - 1]) from -= 1;
  return { from, to };
}

export function describeDamage(damage: DiskDamage): string {
  const more = { flip: 'bit', overwrite: 'bytes', cut: '', remove: 'length' }[damage.kind];
  const value =
    damage.kind === 'overwrite'
      ? damage.bytes.toString('hex')
      : damage.kind === 'flip'
        ? damage.bit
        : 'length' in damage
          ? damage.length
          : '';
  return `${damage.kind} at ${damage.at} ${more} ${value}`.trimEnd();
}
