import { z } from 'zod';
import { aggregatedSourcesSchema } from './aggregation.ts';
import { operation } from './operation.ts';
import { pageQuerySchema } from './page.ts';

export const aggregationSources = operation({
  id: 'AggregationSources',
  method: 'GET',
  path: '/v1/branches/{branchId}/aggregation/sources',
  summary: 'Sources of the branch with their sinks and the statistics of each, as a page of the branch shows them.',
  tag: 'internal',
  access: 'read',
  params: z.object({ branchId: z.string() }),
  query: pageQuerySchema,
  status: 200,
  answer: aggregatedSourcesSchema,
  errors: [],
});
