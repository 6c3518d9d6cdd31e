import { readFile } from 'node:fs/promises';

export const callNames = [
  'write',
  'fsync',
  'fdatasync',
  'fsyncdir',
  'truncate',
  'create',
  'mkdir',
  'rename',
  'link',
  'unlink',
  'rmdir',
  /** A write to a TCP socket that begins an HTTP answer. */
  'answer',
  /** A piece of text inside a write, see `ShimOptions.textBefore`. */
  'text',
] as const;
type CallName = (typeof callNames)[number];

/** One call of the observed process, as the shim wrote it down after the call. */
export interface Call {
  readonly name: CallName;
  /** Numbers of one counter over all threads: where the end of a call is below another's begin, it was over before that was asked for. */
  readonly begin: number;
  readonly end: number;
  /** Monotonic clock of the machine at the end, ms. */
  readonly atMs: number;
  /** What the call returned; -1: it failed with `errno`. */
  readonly result: number;
  readonly errno: number;
  /** Of a write, in the file; else -1. */
  readonly offset: number;
  /** Bytes asked for; of `truncate` the new length; of `answer` the status. */
  readonly length: number;
  /** The file or folder; of `answer` the connection, `<port of the server>:<port of the client>`; of `rename` and `link` the old name. */
  readonly path: string;
  /** The new name of `rename` and `link`; of `text` the text. */
  readonly other: string;
}

/** The log's calls by their begin. A last line without its end, which a running process is about to write, is left out. */
export async function readCallLog(file: string): Promise<Call[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return lines.map(parseCall).sort((one, other) => one.begin - other.begin);
}

function parseCall(line: string): Call {
  const [begin, end, atMs, name, result, errno, offset, length, path = '', other = ''] = line.split('\t');
  const known = callNames.find((each) => each === name);
  if (known === undefined) throw new Error(`The shim's log has a line that is none: ${line}`);
  return {
    name: known,
    begin: Number(begin),
    end: Number(end),
    atMs: Number(atMs),
    result: Number(result),
    errno: Number(errno),
    offset: Number(offset),
    length: Number(length),
    path,
    other,
  };
}
