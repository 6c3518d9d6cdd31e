interface Block {
  readonly end: number;
  readonly text: string;
}

/** Leading spaces and tabs. */
const indentation = /[ \t]*/y;

function indentAt(source: string, from: number): string {
  indentation.lastIndex = from;
  return indentation.exec(source)?.[0] ?? '';
}

/** Reads the text block whose `|||` begins at `from`; a string says why it is none. */
export function lexBlock(source: string, from: number): Block | string {
  let at = from + 3;
  const chomp = source[at] === '-';
  if (chomp) at += 1;
  while (source[at] === ' ' || source[at] === '\t' || source[at] === '\r') at += 1;
  if (source[at] !== '\n') return 'Text block requires new line after |||.';
  at += 1;
  let text = '';
  while (source[at] === '\n') {
    text += '\n';
    at += 1;
  }
  const indent = indentAt(source, at);
  if (indent === '') return "Text block's first line must start with whitespace";
  while (source.startsWith(indent, at)) {
    const stop = source.indexOf('\n', at + indent.length);
    if (stop < 0) return 'Unexpected EOF';
    text += source.slice(at + indent.length, stop + 1);
    at = stop + 1;
    while (source[at] === '\n') {
      text += '\n';
      at += 1;
    }
  }
  at += indentAt(source, at).length;
  if (!source.startsWith('|||', at)) return 'Text block not terminated with |||';
  return { end: at + 3, text: chomp ? text.slice(0, -1) : text };
}
