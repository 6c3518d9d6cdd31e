import { describe, expect, it, test } from 'vitest';
import { MemoryMetadataStore } from '../../../test/support/memory-metadata-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { randomId } from '../../kernel/codec/random-id.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { tokenKey } from './local-token.ts';
import { LocalTokenVerifier } from './local-token-verifier.ts';
import { LocalTokens } from './local-tokens.ts';
import { tokenInvalid } from './token-verifier.ts';

function setUp() {
  const store = new MemoryMetadataStore();
  const clock = new TestClock();
  const tokens = new LocalTokens({ store, clock, randomId });
  return { store, clock, tokens, verifier: new LocalTokenVerifier({ tokens, store, clock, logger: silentLogger }) };
}

describe('local tokens', () => {
  it('are stored as hashes and shown once', async () => {
    const { store, tokens } = setUp();
    const { token, detail } = await tokens.create({ role: 'super', description: 'mine', projectId: 7, branchId: 70 });
    expect(token).toMatch(/^[0-9a-zA-Z]{10}-[0-9a-zA-Z]{48}$/);
    expect(await tokens.list()).toEqual([detail]);
    expect(detail).toEqual({
      tokenId: token.slice(0, 10),
      projectId: 7,
      branchId: 70,
      role: 'super',
      description: 'mine',
      createdAt: '2026-06-24T10:00:00.000Z',
    });
    expect((await store.get(tokenKey(detail.tokenId)))?.value).not.toContain(token.slice(11));
  });

  it('stand for a principal, by default of project 1 and branch 1', async () => {
    const { tokens, verifier } = setUp();
    const { token, detail } = await tokens.create({ role: 'read' });
    expect(await verifier.verify(token)).toEqual({
      accepted: true,
      principal: { projectId: 1, branchId: 1, tokenId: detail.tokenId, description: '', role: 'read' },
    });
  });

  it('are refused when they are unknown, changed or revoked', async () => {
    const { tokens, verifier } = setUp();
    const { token, detail } = await tokens.create({ role: 'admin' });
    const changed = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
    for (const given of ['', 'x', `${token} `, changed, token.slice(11), `zz/../-${token.slice(11)}`]) {
      expect(await verifier.verify(given)).toBe(tokenInvalid);
    }
    expect(await tokens.revoke(detail.tokenId)).toBe(true);
    expect(await verifier.verify(token)).toBe(tokenInvalid);
    expect(await tokens.revoke(detail.tokenId)).toBe(false);
    expect(await tokens.list()).toEqual([]);
  });
});

describe('memory of verified tokens', () => {
  it('does without the store for a minute at most while it follows it', async () => {
    const { store, clock, tokens, verifier } = setUp();
    const { token } = await tokens.create({ role: 'admin' });
    const stop = new AbortController();
    const running = verifier.run(stop.signal);
    const away = new AppError('metadataUnavailable', 'away');
    const verifyWithout = async () => {
      store.outage = away;
      try {
        return await verifier.verify(token);
      } finally {
        store.outage = undefined;
      }
    };
    // The follower reads the revision first; until then nothing is remembered.
    for (let isRemembered = false; !isRemembered; ) {
      await verifier.verify(token);
      isRemembered = await verifyWithout().then(
        () => true,
        () => false,
      );
    }
    clock.advance(59_999);
    expect(await verifyWithout()).toMatchObject({ accepted: true });
    clock.advance(60_000);
    await expect(verifyWithout()).rejects.toBe(away);
    stop.abort();
    await running;
    await verifier.verify(token);
    await expect(verifyWithout()).rejects.toBe(away);
  });

  it('forgets a revoked token at once', async () => {
    const { clock, tokens, verifier } = setUp();
    const { token, detail } = await tokens.create({ role: 'admin' });
    const stop = new AbortController();
    const running = verifier.run(stop.signal);
    await verifier.verify(token);
    await verifier.verify(token);
    await tokens.revoke(detail.tokenId);
    // The clock stands, so only the change itself can make it forgotten.
    while ((await verifier.verify(token)).accepted) await tokens.list();
    expect(clock.monotonic()).toBe(0);
    stop.abort();
    await running;
  });
});

test('guessed tokens read the store a few at a time, and are told when too many wait', async () => {
  const { store, tokens, clock } = setUp();
  const { token } = await tokens.create({ role: 'admin' });
  let reading = 0;
  let most = 0;
  const held = Promise.withResolvers<void>();
  const get = store.get.bind(store);
  store.get = async (key) => {
    reading += 1;
    most = Math.max(most, reading);
    await held.promise;
    reading -= 1;
    return get(key);
  };
  const verifier = new LocalTokenVerifier({ tokens, store, clock, logger: silentLogger });
  const guess = `${token.slice(0, 10)}-${'x'.repeat(48)}`;
  const verdicts = Promise.allSettled(Array.from({ length: 600 }, () => verifier.verify(guess)));
  held.resolve();
  const settled = await verdicts;
  expect(most).toBe(8);
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(508);
  expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'overloaded' } });
  expect(await verifier.verify(token)).toMatchObject({ accepted: true });
});
