/** Bytes that are no UTF-8 become U+FFFD, and so does U+0000 where the target cannot hold it; rows and their number stay. */
export function importableText(raw: Buffer, nulInText: boolean): Buffer {
  const text = raw.toString('utf8');
  return Buffer.from(nulInText ? text : text.replaceAll('\0', '\uFFFD'), 'utf8');
}
