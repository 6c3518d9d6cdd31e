import { z } from 'zod';
import { integerText, text } from './fields.ts';

/** Paths of the entities of a branch, and their parameters, for the operations on them. */
export const branchPath = '/v1/branches/{branchId}';
export const sourcePath = `${branchPath}/sources/{sourceId}`;
export const sinkPath = `${sourcePath}/sinks/{sinkId}`;

const id = text({ min: 1, max: 48 });
export const branchParams = z.object({ branchId: z.string() });
export const sourceParams = branchParams.extend({ sourceId: id });
export const sinkParams = sourceParams.extend({ sinkId: id });
export const versionNumber = integerText({ min: 1 });

/** No parameters. */
export const nothing = z.object({});
