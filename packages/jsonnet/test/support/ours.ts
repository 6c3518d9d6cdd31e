import { posix } from 'node:path';
import { compile } from '../../src/compile.ts';
import type { ImportResolver } from '../../src/import-resolver.ts';
import { JsonnetError } from '../../src/jsonnet-error.ts';
import type { Limits } from '../../src/limits.ts';
import type { NativeFunction } from '../../src/native-function.ts';
import type { External, Inputs } from '../../src/program.ts';
import type { Answer, Question } from './question.ts';

/** The natives that the reference's main.go declares, too. */
const natives: Readonly<Record<string, NativeFunction>> = {
  echo: { parameters: [{ name: 'value' }], call: ([value = null]) => value },
  pair: { parameters: [{ name: 'first' }, { name: 'second' }], call: ([first = null, second = null]) => [first, second] },
  fail: {
    parameters: [{ name: 'reason' }],
    call: ([reason]) => {
      throw new Error(String(reason));
    },
  },
};

/** Answers as the reference does; nothing but the stack is limited. What is thrown beside JsonnetError is a bug and goes on. */
export function ask(question: Question): Answer {
  const trace: string[] = [];
  const inputs: Inputs = {
    externals: externals(question.extStr, question.extCode),
    arguments: externals(question.tlaStr, question.tlaCode),
    trace: (line) => trace.push(`${line}\n`),
  };
  const limits: Limits = { frames: question.maxStack ?? 500, steps: Infinity, outputBytes: Infinity, length: Infinity };
  try {
    const output = evaluate(question, { inputs, limits });
    return { output, trace: trace.join('') };
  } catch (error) {
    if (!(error instanceof JsonnetError)) throw error;
    return { error: error.format(question.maxTrace ?? 0), trace: trace.join('') };
  }
}

interface Run {
  readonly inputs: Inputs;
  readonly limits: Limits;
}

function evaluate({ name, code, kind, files = {} }: Question, { inputs, limits }: Run): NonNullable<Answer['output']> {
  const program = compile(code, { name, path: '', natives, imports: folderImports(files) });
  switch (kind) {
    case 'json':
      return program.toJson(inputs, limits);
    case 'string':
      return program.toText(inputs, limits);
    case 'multi':
      return Object.fromEntries(program.toFiles(inputs, limits));
    case 'stream':
      return program.toDocuments(inputs, limits);
  }
}

const externals = (texts: Question['extStr'] = {}, codes: Question['extCode'] = {}): Record<string, External> =>
  Object.fromEntries([
    ...Object.entries(texts).map(([name, value]) => [name, { type: 'text', value }] as const),
    ...Object.entries(codes).map(([name, source]) => [name, { type: 'code', source }] as const),
  ]);

const folderImports =
  (files: Readonly<Record<string, string>>): ImportResolver =>
  ({ from, path }) => {
    const found = posix.isAbsolute(path) ? path : posix.join(posix.dirname(from), path);
    const content = files[found];
    if (content === undefined) throw new Error(`couldn't open import "${path}": no match locally or in the Jsonnet library paths`);
    return { path: found, content };
  };
