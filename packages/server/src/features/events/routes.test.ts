import { routeSetSchema } from '@sluice/contract/event-routes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRoutes, presetRoutes, type Routes } from './routes.ts';

const event = (amount: number) => ({ time: 1_795_232_693_264, amount, amountText: String(amount) });

function compiled(set: Parameters<typeof compileRoutes>[0]): Routes {
  const result = compileRoutes(set);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

const single = (when: string) => compileRoutes({ watermark: 5, routes: [{ name: 'one', when }] });

describe('presets', () => {
  test.each([
    [5, 'low'],
    [5.000_000_1, 'high'],
    [4.999_999_9, 'low'],
    [-0, 'low'],
    [Number.MAX_VALUE, 'high'],
    [-Number.MAX_VALUE, 'low'],
  ])('at a watermark of 5, %d is %s', (amount, route) => {
    expect(compiled(presetRoutes(5)).judge(event(amount)).matched).toEqual([route]);
  });

  test('every finite amount is in exactly one, whatever the watermark', () => {
    const finite = fc.double({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(finite, finite, fc.boolean(), (watermark, other, isSame) => {
        const amount = isSame ? watermark : other;
        const { matched, failed } = compiled(presetRoutes(watermark)).judge(event(amount));
        expect(matched).toEqual([amount > watermark ? 'high' : 'low']);
        expect(failed).toBeUndefined();
      }),
    );
  });
});

const operands = ['amount', 'watermark', '5.0', '0.0', '1.5e300'];

test('two numbers are compared as the evaluator of CEL compares them', () => {
  const finite = fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constantFrom(5, -5, 0, -0, 1.5e300));
  const operand = fc.constantFrom(...operands);
  fc.assert(
    fc.property(finite, finite, fc.constantFrom('>', '>=', '<', '<='), operand, operand, (watermark, amount, op, left, right) => {
      const when = `${left} ${op} ${right}`;
      const set = compiled({
        watermark,
        routes: [
          { name: 'plain', when },
          { name: 'evaluated', when: `true && ${when}` },
        ],
      });
      expect([[], ['plain', 'evaluated']]).toContainEqual(set.judge(event(amount)).matched);
    }),
  );
});

test('an event goes to every route that takes it, or to none', () => {
  const routes = compiled({
    watermark: 5,
    routes: [
      { name: 'big', when: 'amount > 10.0' },
      { name: 'odd', when: 'id.startsWith("x") || time % 2 == 1' },
      { name: 'any-big', when: 'amount > watermark' },
    ],
  });
  expect(routes.names).toEqual(['big', 'odd', 'any-big']);
  expect(routes.judge({ ...event(11), id: 'x1' }).matched).toEqual(['big', 'odd', 'any-big']);
  expect(routes.judge(event(6)).matched).toEqual(['any-big']);
  expect(routes.judge({ ...event(0), time: 3 }).matched).toEqual(['odd']);
  expect(routes.judge(event(5)).matched).toEqual([]);
  expect(routes.judge(event(4)).matched).toBe(routes.judge(event(3)).matched);
});

test('a predicate without a value for an event is told, and the other routes judge', () => {
  const routes = compiled({
    watermark: 5,
    routes: [
      { name: 'broken', when: '10 / (time - time) > 1' },
      { name: 'all', when: 'true' },
    ],
  });
  expect(routes.judge(event(1))).toEqual({ matched: ['all'], failed: [{ route: 'broken', reason: 'division by zero' }] });
});

test.each([
  'amount > 5',
  'amount >= -1.5e3 && amount < watermark',
  'id in ["a", "b"]',
  'id.contains("x") || size(id) == 0 || id.endsWith("y")',
  'timestamp(time / 1000).getFullYear() > 2020',
  'amount > 1.0 ? time > 5 : false',
])('%s is a predicate', (when) => {
  expect(single(when)).toMatchObject({ ok: true });
});

test.each([
  ['amount', 'gives double, not true or false'],
  ['amount >', 'Unexpected token'],
  ['price > 1.0', 'Unknown variable: price'],
  ['amount > "5"', 'no such overload'],
  ['id.matches("(a+)+$")', 'the function matches is not known here'],
  ['true || (false && id.matches("a"))', 'the function matches is not known here'],
  ['[id.matches("a")] == [true]', 'the function matches is not known here'],
  ['[1, 2].exists(x, x > 1)', 'the function exists is not known here'],
  ['[[1], [2]].all(x, x.all(y, y > 0))', 'the function all is not known here'],
  ['constructor == 1', 'Unknown variable: constructor'],
  ['amount.constructor == 1', ''],
  [Array.from({ length: 60 }, () => 'amount > 1.0').join(' && '), 'Exceeded maxAstNodes'],
  [`${'('.repeat(40)}true${')'.repeat(40)}`, 'Exceeded maxDepth'],
])('%s is none: %s', (when, reason) => {
  expect(single(when)).toEqual({ ok: false, reason: expect.stringMatching(/^route "one": ./) });
  expect(single(when)).toHaveProperty('reason', expect.stringContaining(reason));
});

test.each([
  [{ watermark: Number.NaN, routes: [{ name: 'a', when: 'true' }] }],
  [{ watermark: Number.POSITIVE_INFINITY, routes: [{ name: 'a', when: 'true' }] }],
  [{ routes: [] }],
  [{ routes: [{ name: 'A', when: 'true' }] }],
  [
    {
      routes: [
        { name: 'a', when: 'true' },
        { name: 'a', when: 'false' },
      ],
    },
  ],
  [{ routes: Array.from({ length: 31 }, (_, index) => ({ name: `r${index}`, when: 'true' })) }],
])('%j is no set of routes', (set) => {
  expect(routeSetSchema.safeParse(set).success).toBe(false);
});
