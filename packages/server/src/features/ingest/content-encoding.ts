import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { errorText } from '../../kernel/errors/app-error.ts';

export type DecodedContent =
  | { readonly type: 'body'; readonly body: Buffer }
  | { readonly type: 'tooLarge' }
  | { readonly type: 'undecodable'; readonly code: 'badRequest' | 'unsupportedMediaType'; readonly reason: string };

interface Coding {
  /** Value of `Content-Encoding`, lower case. */
  readonly coding: string;
  /** Of the unpacked bytes: a small body may claim to hold gigabytes. */
  readonly maxBytes: number;
}

const unzip = promisify(gunzip);

/** Undoes a content coding; only `gzip` is known. */
export async function decodeContent(body: Buffer, { coding, maxBytes }: Coding): Promise<DecodedContent> {
  if (coding !== 'gzip' && coding !== 'x-gzip') {
    return { type: 'undecodable', code: 'unsupportedMediaType', reason: `unsupported content encoding "${coding}", supported: gzip` };
  }
  try {
    return { type: 'body', body: await unzip(body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    if (error instanceof RangeError) return { type: 'tooLarge' };
    return { type: 'undecodable', code: 'badRequest', reason: `the body is not valid gzip: ${errorText(error)}` };
  }
}
