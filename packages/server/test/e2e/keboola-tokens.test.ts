import { listSources } from '@sluice/contract/operations';
import { expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { StorageApiDouble } from '../support/storage-api-double.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const token = '1234-8964-AbCdEfGhIjKlMnOpQrSt';

test('the service with tokens of a Keboola stack: it makes none of its own, serves API and data endpoint, and logs no token', async () => {
  await using double = await StorageApiDouble.open();
  double.add({ token, id: '8964', isMasterToken: true, projectId: 1234, admin: { id: 57, name: 'Jane Doe', role: 'admin' } });
  await using folder = await openTempFolder();
  const flags = [...demoFlags, '--accounts-verifier', 'keboola', '--accounts-keboola-url', double.url];
  await using service = await startSluice({ dataDir: `${folder.path}/data`, flags });
  expect(service.token).toBeUndefined();

  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token });
  expect(await api.createSource('events')).toContain('/stream/1234/events/');
  expect(await api.call(listSources)).toMatchObject({ projectId: 1234, branchId: 5678 });
  const send = (headers: Record<string, string>) =>
    fetch(new URL('/v1/data', service.urls['source']), { method: 'POST', headers, body: '{"data":{"a":1}}' });
  expect((await send({ 'X-StorageApi-Token': token })).status).toBe(200);
  const refused = await send({ 'X-StorageApi-Token': `${token}x` });
  expect([refused.status, await refused.json()]).toMatchObject([401, { error: 'storage.tokenInvalid' }]);
  // Of the whole run: one question for the token, each of the two for its branch.
  expect(double.asked.filter((path) => path === 'dev-branches')).toHaveLength(1);

  double.fault = () => ({ type: 'half' });
  const other = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: `${token}y` });
  await expect(other.call(listSources)).rejects.toThrow('503 stream.api.storageApiUnavailable');
  expect(service.log()).toContain('request failed');
  expect(service.log()).not.toContain(token.slice(5));
  expect(double.violations).toEqual([]);
});

test('the verifier needs the address of the Storage API', async () => {
  await using folder = await openTempFolder();
  const run = (...flags: string[]) => runSluice('all', '--data-dir', `${folder.path}/data`, '--accounts-verifier', 'keboola', ...flags);
  for (const flags of [[], ['--accounts-keboola-url', 'connection.keboola.com']]) {
    expect(await run(...flags)).toMatchObject({
      code: 64,
      err: expect.stringContaining('The verifier keboola needs the URL of the Storage API'),
    });
  }
});
