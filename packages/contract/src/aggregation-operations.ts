import { aggregatedSourcesSchema } from './aggregation.ts';
import { branchParams, branchPath } from './entity-path.ts';
import { operation } from './operation.ts';
import { pageQuerySchema } from './page.ts';

export const aggregationSources = operation({
  id: 'AggregationSources',
  method: 'GET',
  path: `${branchPath}/aggregation/sources`,
  summary: 'Sources of the branch with their sinks and the statistics of each, as a page of the branch shows them.',
  tag: 'internal',
  access: 'read',
  params: branchParams,
  query: pageQuerySchema,
  status: 200,
  answer: aggregatedSourcesSchema,
  errors: [],
});
