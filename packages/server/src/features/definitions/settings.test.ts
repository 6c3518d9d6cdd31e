import { settingDeclarations } from '@sluice/contract/settings';
import { expect, test } from 'vitest';
import { overriddenSettings, patchedSettings, settingAnswers } from './settings.ts';

const upload = 'storage.level.staging.upload.trigger';
const sync = 'storage.level.local.encoding.sync';
const patch = (settings: { key: string; value?: string | number }[], mayProtected = false) =>
  patchedSettings([], { settings }, { mayProtected });

test('every declared default keeps its own rule', () => {
  for (const { key, form, defaultValue } of settingDeclarations) {
    if (form === 'texts') continue;
    const overrides = [{ key, value: typeof defaultValue === 'object' ? [...defaultValue] : defaultValue }];
    expect(overriddenSettings(overrides).size, key).toBe(1);
    expect(settingAnswers(overrides, new Map()).find((answer) => answer.key === key)).toMatchObject({
      value: defaultValue,
      overwritten: true,
    });
  }
  const keys = settingDeclarations.map(({ key }) => key);
  expect(keys).toEqual([...keys].sort());
  expect(keys).toHaveLength(27);
});

test.each([
  [[{ key: `${upload}.size`, value: 'bar' }], `Invalid "${upload}.size" value "bar": invalid syntax.`],
  [
    [
      { key: `${upload}.interval`, value: 'foo' },
      { key: `${upload}.size`, value: 'bar' },
    ],
    `- Invalid "${upload}.size" value "bar": invalid syntax.\n- Invalid "${upload}.interval": time: invalid duration "foo".`,
  ],
  [[{ key: `${upload}.count`, value: '1' }], `Invalid "${upload}.count" value: found type "string", expected "int".`],
  [[{ key: `${sync}.wait`, value: 'no' }], `Invalid "${sync}.wait" value: found type "string", expected "bool".`],
  [[{ key: `${upload}.count`, value: 0 }], `Invalid "${upload}.count" value 0: must be at least 1.`],
  [[{ key: `${upload}.size`, value: '1GB' }], `Invalid "${upload}.size" value "1GB": must be at most 50MB.`],
  [[{ key: `${sync}.mode`, value: 'disabled' }], `Invalid "${sync}.mode" value "disabled": must be one of "disk", "cache".`],
  [[{ key: 'a' }, { key: 'b' }], 'Key not found: "a", "b".'],
  [[{ key: `${sync}.wait` }, { key: `${sync}.wait` }], `Key "${sync}.wait" is defined multiple times.`],
])('%j is refused', (settings, message) => {
  expect(() => patch(settings, true)).toThrow(expect.objectContaining({ code: 'badRequest', message }));
});

test('protected settings are for super tokens, where they change something', () => {
  const mode = { key: `${sync}.mode`, value: 'cache' };
  const level = { key: 'storage.level.local.encoding.compression.gzip.level', value: 2 };
  const forbidden = (...keys: string[]) =>
    expect.objectContaining({
      code: 'forbidden',
      message: `Cannot modify protected keys: ${keys.map((key) => `"${key}"`).join(', ')}.`,
    });
  expect(() => patch([mode, level])).toThrow(forbidden(mode.key, level.key));
  expect(() => patch([mode, level], true)).toThrow(forbidden(level.key));
  expect(patch([mode], true)).toEqual([mode]);
});

test('a patch merges by key, keeps what clients wrote, and ends overrides without a value', () => {
  const before = [
    { key: `${upload}.interval`, value: '45s' },
    { key: `${upload}.size`, value: '12MB' },
  ];
  const settings = [{ key: `${upload}.size` }, { key: `${upload}.interval`, value: '60s' }, { key: `${sync}.wait`, value: false }];
  expect(patchedSettings(before, { settings }, { mayProtected: false })).toEqual([
    { key: `${sync}.wait`, value: false },
    { key: `${upload}.interval`, value: '60s' },
  ]);
  expect(patchedSettings(before, { settings: [{ key: `${upload}.interval`, value: '' }] }, { mayProtected: false })).toEqual([before[1]]);
  expect(patchedSettings(before, {}, { mayProtected: false })).toEqual(before);
});

test('answers show values in their text forms, and the configuration of the service as the default', () => {
  const defaults = new Map([[`${upload}.interval`, 90_000]]);
  const answers = settingAnswers([{ key: `${upload}.size`, value: 12_582_912 }], defaults);
  expect(answers.filter(({ key }) => key.startsWith(upload)).map(({ value, defaultValue }) => [value, defaultValue])).toEqual([
    [10_000, 10_000],
    ['1m30s', '1m30s'],
    ['12MB', '5MB'],
  ]);
});
