import { expect, test } from 'vitest';
import { disabledFixture, sourceFixture } from '../../../test/support/definition-fixture.ts';
import type { Principal } from '../accounts/principal.ts';
import { masterTokenRequired, tokenInvalid } from '../accounts/token-verifier.ts';
import type { IngestSource } from '../definitions/ingest-source.ts';
import { DataAuth } from './data-auth.ts';

const principal: Principal = { projectId: 7, branchId: 2, tokenId: 't', description: '', role: 'admin' };
const view = (sourceId: string, { branchId = 2, disabled = false } = {}): IngestSource => ({
  source: sourceFixture({ projectId: 7, branchId, sourceId, ...(disabled && { disabled: disabledFixture }) }),
  sinks: [],
});

interface Given {
  readonly known?: readonly IngestSource[];
  readonly who?: Partial<Principal>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The token `right` stands for `who` in project 7; `known` are its sources. */
function matchOf({ known = [view('events')], who = {}, headers = { 'x-storageapi-token': 'right' } }: Given, named?: string) {
  const inProject = (projectId: number, sources: readonly IngestSource[]) => (projectId === 7 ? sources : []);
  const auth = new DataAuth({
    verifier: {
      verify: async (token) => {
        if (token === 'of no administrator') return masterTokenRequired;
        return token === 'right' ? { accepted: true, principal: { ...principal, ...who } } : tokenInvalid;
      },
    },
    definitions: {
      ofProject: (projectId) => inProject(projectId, known),
      lookup: async (projectId, id) =>
        inProject(
          projectId,
          known.filter(({ source }) => source.sourceId === id),
        ),
    },
  });
  return auth.match({ headers, named });
}

test.each([
  ['no token', {}, 'tokenInvalid', /"X-StorageApi-Token" is missing/],
  ['an empty token', { 'x-storageapi-token': '' }, 'tokenInvalid', /is missing/],
  ['another scheme', { authorization: 'Basic right' }, 'tokenInvalid', /is missing/],
  ['an unknown token', { 'x-storageapi-token': 'wrong' }, 'tokenInvalid', /^Invalid access token/],
  ['an unknown token beside a good bearer', { 'x-storageapi-token': 'wrong', authorization: 'Bearer right' }, 'tokenInvalid', /^Invalid/],
])('%s is refused', async (_name, headers, code, message) => {
  expect(await matchOf({ headers })).toMatchObject({ type: 'refused', code, message: expect.stringMatching(message) });
});

test.each([
  ['the header', { 'x-storageapi-token': 'right' }],
  ['the header with a scheme', { 'x-storageapi-token': 'Bearer right' }],
  ['a bearer', { authorization: 'bEARER right' }],
])('the token in %s', async (_name, headers) => {
  expect(await matchOf({ headers })).toMatchObject({ type: 'matched' });
});

test('what a token may do', async () => {
  expect(await matchOf({ who: { role: 'read' } })).toMatchObject({ code: 'forbidden' });
  const headers = { 'x-storageapi-token': 'x of no administrator' };
  expect(await matchOf({ headers })).toMatchObject({ code: 'masterTokenRequired' });
  expect(await matchOf({ who: { role: 'super' } })).toMatchObject({ type: 'matched' });
  expect(await matchOf({ who: { projectId: 8 } })).toMatchObject({ code: 'badRequest', message: expect.stringMatching(/has no source/) });
  expect(await matchOf({ who: { projectId: 8 } }, '2/events')).toMatchObject({ code: 'sourceNotFound' });
});

test('without a name: the only source of the project, in whatever branch', async () => {
  const only = view('events', { branchId: 5 });
  expect(await matchOf({ known: [only] })).toEqual({ type: 'matched', source: only });
  expect(await matchOf({ known: [] })).toMatchObject({
    code: 'badRequest',
    message: 'the project has no source: create one, then send the data again',
  });
  // A disabled one counts: data must not go to another source because one is disabled.
  for (const known of [
    [view('a'), view('b', { disabled: true })],
    [view('a'), view('a', { branchId: 3 })],
  ]) {
    expect(await matchOf({ known })).toMatchObject({
      code: 'badRequest',
      message: 'the project has 2 sources: name one of them, for example ?source=2/a',
    });
  }
  expect(await matchOf({ known: [view('a', { disabled: true })] })).toMatchObject({ code: 'disabledSource' });
});

test('with a name: that source of that branch', async () => {
  const known = [view('a'), view('b'), view('a', { branchId: 3 }), view('off', { disabled: true })];
  expect(await matchOf({ known }, '2/a')).toEqual({ type: 'matched', source: known[0] });
  expect(await matchOf({ known }, '3/a')).toEqual({ type: 'matched', source: known[2] });
  expect(await matchOf({ known }, 'default/a')).toEqual({ type: 'matched', source: known[0] });
  expect(await matchOf({ known }, '3/b')).toMatchObject({ code: 'sourceNotFound' });
  expect(await matchOf({ known }, '2/off')).toMatchObject({ code: 'disabledSource' });
  for (const named of ['', 'a', '/a', '2/', '2/a/b', '-2/a', 'main/a', '2/a ?']) {
    const match = await matchOf({ known }, named);
    expect([named, match.type === 'refused' && match.code]).toEqual([named, named === '2/a ?' ? 'sourceNotFound' : 'badRequest']);
  }
});
