import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const readme = readFileSync(path('../../README.md'), 'utf8');

/** The text of each fenced block of a language, and of the block after it. */
function blocks(language: string): { text: string; next: string }[] {
  const all = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, name, text = '']) => ({ name, text }));
  return all.flatMap(({ name, text }, index) => (name === language ? [{ text, next: all[index + 1]?.text ?? '' }] : []));
}

describe('the README', () => {
  test.each(blocks('jsonnet'))('shows what a program gives: $text', ({ text, next }) => {
    expect(compile(text).toJson()).toBe(next);
  });

  test.each(blocks('ts'))('shows what code prints: $text', ({ text }) => {
    mkdirSync(path('../../../../.cache'), { recursive: true });
    const folder = mkdtempSync(path('../../../../.cache/readme-'));
    try {
      writeFileSync(join(folder, 'example.ts'), text);
      const run = spawnSync(process.execPath, [join(folder, 'example.ts')], { encoding: 'utf8' });
      const expected = [...text.matchAll(/console\.log\(.*\);\s*\/\/ (.*)$/gm)].map(([, line]) => `${line}\n`);
      expect(expected.length).toBeGreaterThan(0);
      expect(run.stdout + run.stderr).toBe(expected.join(''));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each(blocks('sh'))('shows what the command prints', ({ text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'jsonnet-readme-'));
    try {
      symlinkSync(path('../../bin/jsonnet-js.js'), join(folder, 'jsonnet-js'));
      const env = { ...process.env, PATH: `${folder}:${process.execPath.replace(/\/[^/]*$/, '')}:${process.env['PATH']}` };
      const commands = text.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
      const outputs = commands.map((command) => {
        const run = spawnSync('sh', ['-c', `exec 2>&1; ${command}`], { encoding: 'utf8', env });
        return `$ ${command}\n${run.stdout}`;
      });
      expect(outputs.join('')).toBe(text);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('lists what the reference does beside the specification', () => {
    const rows = readme.slice(readme.indexOf('| program | one might expect')).split('\n').slice(2);
    const programs = rows
      .filter((row) => row.startsWith('|'))
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
    const answers = programs.map((code) => {
      try {
        return [code, compile(code).toCompactJson()];
      } catch (error) {
        return [code, String(error)];
      }
    });
    expect(Object.fromEntries(answers)).toEqual({
      '[1, 2][0.5]': '1',
      "'abc'[1.5]": '"b"',
      'local std = {}; 1 == 1': 'true',
      '1e300 & 1': expect.stringContaining('outside of range'),
      '1 << 64': '1',
      "std.native('missing')": 'null',
      "std.manifestXmlJsonml(['a', 'x & y'])": '"<a>x & y</a>"',
      'std.manifestYamlDoc({ a: function() 1 })': '"\\"a\\": "',
    });
  });
});
