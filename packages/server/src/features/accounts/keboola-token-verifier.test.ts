import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fault, type KnownToken, StorageApiDouble } from '../../../test/support/storage-api-double.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { KeboolaTokenVerifier } from './keboola-token-verifier.ts';
import { StorageApi } from './storage-api.ts';
import { masterTokenRequired, tokenInvalid } from './token-verifier.ts';

const secret = '1234-8964-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
const jane: KnownToken = {
  token: secret,
  id: '8964',
  description: 'jane@example.com',
  isMasterToken: true,
  projectId: 1234,
  admin: { id: 57, name: 'Jane Doe', role: 'admin' },
};

let double: StorageApiDouble;
let clock: TestClock;
beforeEach(async () => {
  double = await StorageApiDouble.open();
  double.add(jane);
  clock = new TestClock();
});
afterEach(async () => {
  await double[Symbol.asyncDispose]();
  expect(double.violations).toEqual([]);
});

const verifierOf = (timeoutMs = 10_000) => new KeboolaTokenVerifier({ api: new StorageApi({ url: `${double.url}/` }), clock, timeoutMs });

describe('a token of a project', () => {
  it('stands for its project, its default branch and its administrator', async () => {
    double.add({
      ...jane,
      branches: [
        { id: 70, isDefault: false },
        { id: 71, isDefault: true },
      ],
    });
    expect(await verifierOf().verify(secret)).toEqual({
      accepted: true,
      principal: {
        projectId: 1234,
        branchId: 71,
        tokenId: '8964',
        description: 'jane@example.com',
        role: 'admin',
        user: { id: '57', name: 'Jane Doe' },
      },
    });
    expect(double.asked).toEqual(['tokens/verify', 'dev-branches']);
  });

  it.each(['readOnly', 'guest', 'share', 'Admin', '', null])('with an administrator of the role %j may read', async (role) => {
    double.add({ ...jane, description: null, admin: { id: 57, name: 'Jane Doe', role } });
    expect(await verifierOf().verify(secret)).toMatchObject({ principal: { role: 'read', description: '' } });
  });

  it('without an administrator may read, and shows none', async () => {
    const { admin: _, ...robot } = jane;
    double.add(robot);
    const verdict = await verifierOf().verify(secret);
    expect(verdict).toMatchObject({ principal: { role: 'read' } });
    expect(verdict).not.toHaveProperty('principal.user');
  });

  it('that is no master token is refused, whatever its role', async () => {
    double.add({ ...jane, isMasterToken: false });
    expect(await verifierOf().verify(secret)).toBe(masterTokenRequired);
    expect(double.asked).toEqual(['tokens/verify']);
  });
});

describe('a token that is refused', () => {
  it('is refused in the words of the Storage API', async () => {
    expect(await verifierOf().verify('unknown-token')).toEqual({
      accepted: false,
      status: 401,
      error: 'storage.tokenInvalid',
      message: 'Invalid access token',
      exceptionId: 'keboola-connection-7f3d',
    });
  });

  it.each([
    [
      403,
      { error: 'Project is disabled', code: 'storage.projectDisabled', exceptionId: null },
      'storage.projectDisabled',
      'Project is disabled',
    ],
    [404, { error: ' ', code: 'NOT_DOTTED' }, 'storage.tokenInvalid', 'Invalid access token.'],
    [401, { error: `No token ${secret}`, code: `x.${secret}` }, 'x.…', 'No token …'],
    [401, { error: 'x'.repeat(5000), code: '<b>.x' }, 'storage.tokenInvalid', 'x'.repeat(1000)],
  ])('may be refused with %i and %j', async (status, body, error, message) => {
    double.fault = () => ({ type: 'answer', status, text: JSON.stringify(body) });
    expect(await verifierOf().verify(secret)).toEqual({ accepted: false, status, error, message });
  });

  it('may be refused its branch', async () => {
    const text = '{"error":"No branches for you","code":"storage.accessDenied"}';
    double.fault = (path) => (path === 'dev-branches' ? { type: 'answer', status: 403, text } : undefined);
    expect(await verifierOf().verify(secret)).toMatchObject({ accepted: false, status: 403, error: 'storage.accessDenied' });
  });

  it.each(['', 'a b', 'a\r\nX-Other: 1', 'ž', '\u0000', 'x'.repeat(1001)])('is sent nowhere where it cannot be one: %j', async (token) => {
    expect(await verifierOf().verify(token)).toBe(tokenInvalid);
    expect(double.asked).toEqual([]);
  });

  it.each([
    ['kbc_at_x', undefined, 'Programmatic token request missing valid X-KBC-ProjectId header.'],
    ['kbc_pat_x', '0', 'Programmatic token request missing valid X-KBC-ProjectId header.'],
    ['kbc_pat_x', '12, 13', 'Programmatic token request missing valid X-KBC-ProjectId header.'],
    ['kbc_at_x', '1234', 'Programmatic tokens cannot be exchanged here, please send a Storage API token.'],
  ])('is told so where it is programmatic: %s for the project %s', async (token, project, message) => {
    expect(await verifierOf().verify(token, project)).toEqual({ accepted: false, status: 400, error: 'stream.api.internalError', message });
    expect(double.asked).toEqual([]);
  });
});

describe('a Storage API in trouble', () => {
  const answer = (status: number, text: string): Fault => ({ type: 'answer', status, text });
  const faults: readonly [string, Fault, string][] = [
    ['fails', answer(500, '{"error":"Application error","code":"x.y"}'), 'it answers tokens/verify with status 500'],
    ['is maintained', answer(503, '{"status":"maintenance"}'), 'it answers tokens/verify with status 503'],
    ['has enough', answer(429, '{"error":"Too many","code":"x.y"}'), 'it answers tokens/verify with status 429'],
    ['is none', answer(404, '<html>'), 'it answers tokens/verify with status 404'],
    ['refuses without a word', answer(401, ''), 'it answers tokens/verify with status 401'],
    ['leads elsewhere', { ...answer(302, ''), headers: { Location: '/v2/storage/elsewhere' } } as Fault, 'with status 302'],
    ['answers no JSON', answer(200, `{"token":"${secret}",`), 'its answer to tokens/verify has not the expected form'],
    [
      'answers something else',
      answer(200, `{"id":"1","token":"${secret}","isMasterToken":"yes","owner":{"id":1}}`),
      'has not the expected form',
    ],
    ['answers without end', answer(200, ' '.repeat(5_000_000)), 'its answer is over 4194304 bytes'],
    ['resets the connection', { type: 'reset' }, 'it cannot be reached, '],
    ['is silent', { type: 'silence' }, 'it does not answer in time'],
    ['stops in the middle', { type: 'half' }, 'it does not answer in time'],
  ];

  it.each(faults)('that %s is told as unavailable, without the token', async (_name, fault, reason) => {
    double.fault = () => fault;
    const error = await verifierOf(300)
      .verify(secret)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'storageApiUnavailable',
      status: 503,
      disposition: 'retry',
      message: expect.stringContaining(reason),
    });
    expect(inspect(error)).not.toContain(secret.slice(5));
    expect(double.asked).toEqual(['tokens/verify']);
    double.fault = () => undefined;
    expect(await verifierOf().verify(secret)).toMatchObject({ accepted: true });
  });

  it('that is not there, or knows no default branch, is told as unavailable', async () => {
    const gone = await StorageApiDouble.open();
    const nowhere = new KeboolaTokenVerifier({ api: new StorageApi({ url: gone.url }), clock });
    await gone[Symbol.asyncDispose]();
    await expect(nowhere.verify(secret)).rejects.toMatchObject({ message: expect.stringContaining('cannot be reached, ECONNREFUSED') });
    double.add({ ...jane, branches: [{ id: 70, isDefault: false }] });
    await expect(verifierOf().verify(secret)).rejects.toMatchObject({ message: expect.stringContaining('no default branch') });
  });

  it('is asked by few at a time, and too many are refused at once', async () => {
    double.fault = () => ({ type: 'silence' });
    const verifier = verifierOf(300);
    const ends = await Promise.allSettled(Array.from({ length: 600 }, (_, index) => verifier.verify(`guess-${index}`)));
    const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : undefined));
    expect(double.load.most).toBe(16);
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(84);
    expect(codes.filter((code) => code === 'storageApiUnavailable')).toHaveLength(516);
  });

  it('is waited for as long as one verification may take, the wait for a turn included', async () => {
    const never = new Promise<never>(() => {});
    const verifier = new KeboolaTokenVerifier({ api: { tokenDetail: () => never, defaultBranch: () => never }, clock, timeoutMs: 20 });
    for (let index = 0; index < 16; index += 1) void verifier.verify(`guess-${index}`);
    await expect(verifier.verify(secret)).rejects.toMatchObject({
      code: 'storageApiUnavailable',
      message: expect.stringContaining('too many others wait for it'),
    });
  });
});

describe('the memory of a verifier', () => {
  it('does without the Storage API for a minute from the question on, not longer', async () => {
    const verifier = verifierOf();
    // The answer takes a while, which does not count for it.
    double.fault = (path) => {
      if (path === 'dev-branches') clock.advance(10_000);
      return undefined;
    };
    await verifier.verify(secret);
    double.revoke(secret);
    clock.advance(49_999);
    expect(await verifier.verify(secret)).toMatchObject({ accepted: true, principal: { projectId: 1234 } });
    expect(double.asked).toHaveLength(2);
    clock.advance(1);
    expect(await verifier.verify(secret)).toMatchObject({ accepted: false });
  });

  it('has accepted tokens only', async () => {
    const verifier = verifierOf();
    await verifier.verify('later');
    double.fault = () => ({ type: 'reset' });
    await verifier.verify(secret).catch(() => {});
    double.fault = () => undefined;
    double.add({ ...jane, token: 'later' });
    for (const token of ['later', secret]) expect(await verifier.verify(token)).toMatchObject({ accepted: true });
  });

  it('is bounded: of more than 1000 the oldest is asked for again', async () => {
    const verifier = verifierOf();
    const tokens = Array.from({ length: 1001 }, (_, index) => ({ ...jane, token: `token-${index}` }));
    for (const known of tokens) double.add(known);
    for (const { token } of tokens) await verifier.verify(token);
    const asked = double.asked.length;
    for (const { token } of tokens.slice(1)) await verifier.verify(token);
    expect(double.asked).toHaveLength(asked);
    await verifier.verify('token-0');
    expect(double.asked).toHaveLength(asked + 2);
  });

  it('is shared by callers at the same time', async () => {
    const verifier = verifierOf();
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(secret)));
    expect(new Set(verdicts.map((verdict) => JSON.stringify(verdict))).size).toBe(1);
    expect(double.asked).toEqual(['tokens/verify', 'dev-branches']);
  });
});
