import { expect, test } from 'vitest';
import { debianProgram } from '../support/services/debian-program.ts';

test('a program that is there is found, on the PATH or at its place', async () => {
  const nobody = 65_534;
  expect(await debianProgram({ program: 'sh', packages: ['unused'] }, nobody)).toMatch(/^\/.*\/sh$/);
  expect(await debianProgram({ program: '/bin/sh', packages: ['unused'] }, nobody)).toBe('/bin/sh');
});

test('who may not install a missing program is told what to install', async () => {
  const missing = { program: 'sluice-no-such-program', packages: ['one', 'two'] };
  await expect(debianProgram(missing, 65_534)).rejects.toThrow(
    "The program sluice-no-such-program is missing: it comes with the Debian package one and two. Install it by 'apt-get install one two', or run this as root.",
  );
});
