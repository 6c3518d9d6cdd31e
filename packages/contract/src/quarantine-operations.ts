import { branchParams, branchPath, nothing } from './entity-path.ts';
import { operation } from './operation.ts';
import { pageQuerySchema } from './page.ts';
import { quarantineOutcomeSchema, quarantineRequestSchema, quarantineSchema } from './quarantine.ts';

/** Operations of our own beside those that the API has from the original service. */
const path = `${branchPath}/quarantine`;
const errors = ['stream.api.forbidden', 'stream.api.quarantinedFileNotFound'];

export const listQuarantine = operation({
  id: 'ListQuarantine',
  method: 'GET',
  path,
  summary: 'Files of the branch that the table engine refused for good, ordered by key.',
  tag: 'internal',
  access: 'write',
  params: branchParams,
  query: pageQuerySchema,
  status: 200,
  answer: quarantineSchema,
  errors: ['stream.api.forbidden'],
});

export const retryQuarantinedFile = operation({
  id: 'RetryQuarantinedFile',
  method: 'POST',
  path: `${path}/retry`,
  summary: 'Ends the quarantine of a file: it is staged again from its local parts and imported at once.',
  tag: 'internal',
  access: 'write',
  params: branchParams,
  query: nothing,
  body: quarantineRequestSchema,
  status: 200,
  answer: quarantineOutcomeSchema,
  errors,
});

export const discardQuarantinedFile = operation({
  id: 'DiscardQuarantinedFile',
  method: 'POST',
  path: `${path}/discard`,
  summary: 'Gives the rows of a file up: they are counted as discarded and never imported.',
  tag: 'internal',
  access: 'write',
  params: branchParams,
  query: nothing,
  body: quarantineRequestSchema,
  status: 200,
  answer: quarantineOutcomeSchema,
  errors,
});
