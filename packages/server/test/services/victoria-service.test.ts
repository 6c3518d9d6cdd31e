import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { expectAnswer } from '../support/services/expect-answer.ts';
import { sharedService } from '../support/services/shared-services.ts';
import { victoriaService } from '../support/services/victoria-service.ts';

let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(victoriaService));
});

test('points in the line protocol of version 2 are read back', async () => {
  const measurement = `amounts_${randomUUID().replaceAll('-', '')}`;
  const lines = `${measurement},lane=low value=1.5 1700000000000\n${measurement},lane=low value=-2 1700000001000\n`;
  const answer = await fetch(`${url}/api/v2/write?org=o&bucket=b&precision=ms`, { method: 'POST', body: lines });
  expect(answer.status).toBe(204);
  await expectAnswer(`${url}/internal/force_flush`);
  const exported = await expectAnswer(`${url}/api/v1/export?match[]=${measurement}_value`);
  expect(JSON.parse(exported)).toMatchObject({
    metric: { __name__: `${measurement}_value`, lane: 'low' },
    values: [1.5, -2],
    timestamps: [1_700_000_000_000, 1_700_000_001_000],
  });
});
