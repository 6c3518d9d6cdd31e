import type { Answer, Question } from '../support/question.ts';

/** A program with the answer that the reference gave when it was recorded. */
export interface Case {
  readonly title: string;
  readonly comments: readonly string[];
  readonly question: Question;
  readonly answer: Answer;
}

const options = ['extStr', 'extCode', 'tlaStr', 'tlaCode'] as const;
const limits = ['maxStack', 'maxTrace'] as const;
const isMapOption = (word: string): word is (typeof options)[number] => (options as readonly string[]).includes(word);

/**
 * Reads the cases of a golden file. Blank lines part them; the first character of a line says what it is: `#` comment,
 * `>` program, `@` option (`kind`, `name`, `maxStack`, `maxTrace`, `json`, `file`, and `extStr x=1` and its like), `|` text of the file
 * before it, `=` output, `!` error, `~` trace. An output of several documents is JSON. `@json` gives a program with characters that a
 * line cannot hold.
 */
export function parseGolden(text: string): Case[] {
  return text
    .split(/\n{2,}/)
    .filter((block) => /^[>@]/m.test(block))
    .map(parseCase);
}

function parseCase(block: string): Case {
  const lines = block.split('\n').filter((line) => line !== '');
  const of = (mark: string): string[] => lines.filter((line) => line[0] === mark).map((line) => line.slice(2));
  const question: { -readonly [K in keyof Question]: Question[K] } = { name: 'main.jsonnet', code: of('>').join('\n'), kind: 'json' };
  const files: Record<string, string> = {};
  let file = '';
  for (const line of lines) {
    const rest = line.slice(line.indexOf(' ') + 1);
    const word = line.slice(1).split(' ', 1)[0] ?? '';
    if (line[0] === '|') files[file] += `${line.slice(2)}\n`;
    if (line[0] !== '@') continue;
    if (isMapOption(word)) question[word] = { ...question[word], [rest.split('=', 1)[0] ?? '']: rest.slice(rest.indexOf('=') + 1) };
    else if (word === 'file') {
      file = rest;
      files[file] = '';
    } else if (word === 'kind') question.kind = rest as Question['kind'];
    else if (word === 'name') question.name = word === line.slice(1) ? '' : rest;
    else if (word === 'maxStack' || word === 'maxTrace') question[word] = Number(rest);
    else if (word === 'json') question.code = JSON.parse(rest) as string;
    else throw new Error(`there is no option ${line}`);
  }
  if (Object.keys(files).length > 0) question.files = files;
  const comments = of('#');
  return { title: comments[0] ?? question.code, comments, question, answer: answerOf(question, of) };
}

function answerOf({ kind }: Question, of: (mark: string) => string[]): Answer {
  const trace = of('~')
    .map((line) => `${line}\n`)
    .join('');
  const error = of('!');
  if (error.length > 0) return { error: error.join('\n'), trace };
  const output = of('=');
  const isText = kind === 'json' || kind === 'string';
  if (isText) return { output: output.map((line) => `${line}\n`).join(''), trace };
  return output.length === 0 ? { trace } : { output: JSON.parse(output.join('\n')) as Record<string, string>, trace };
}

/** The text of a golden file; parsing it gives the same cases. */
export const printGolden = (cases: readonly Case[]): string => cases.map(printCase).join('\n');

function printCase({ comments, question, answer }: Case): string {
  const lines = comments.map((line) => `# ${line}`);
  const add = (mark: string, text: string): void => {
    lines.push(...text.split('\n').map((line) => `${mark} ${line}`));
  };
  if (/[\r\0]/.test(question.code)) lines.push(`@json ${JSON.stringify(question.code)}`);
  else add('>', question.code);
  if (question.name !== 'main.jsonnet') lines.push(question.name === '' ? '@name' : `@name ${question.name}`);
  if (question.kind !== 'json') lines.push(`@kind ${question.kind}`);
  for (const limit of limits) if (question[limit]) lines.push(`@${limit} ${question[limit]}`);
  for (const option of options)
    for (const [name, value] of Object.entries(question[option] ?? {})) lines.push(`@${option} ${name}=${value}`);
  for (const [path, text] of Object.entries(question.files ?? {})) {
    lines.push(`@file ${path}`);
    if (text !== '') add('|', text.replace(/\n$/, ''));
  }
  if (answer.trace) add('~', answer.trace.replace(/\n$/, ''));
  if (answer.error !== undefined) add('!', answer.error);
  else if (typeof answer.output === 'string') add('=', answer.output.replace(/\n$/, ''));
  else if (answer.output !== undefined) add('=', JSON.stringify(answer.output, undefined, 1));
  return `${lines.map((line) => (line.length === 2 ? line.trimEnd() : line)).join('\n')}\n`;
}
