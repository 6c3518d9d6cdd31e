import { z } from 'zod';
import { integerText } from './fields.ts';

export const maxPageSize = 100;

/** Query of every list. `afterId` is an exclusive cursor that need not exist. */
export const pageQuerySchema = z.object({
  afterId: z.string().default(''),
  limit: integerText({ min: 1, max: maxPageSize }).default(maxPageSize),
});
export type PageQuery = z.infer<typeof pageQuerySchema>;

export const pageSchema = z
  .object({
    limit: z.int(),
    totalCount: z.int(),
    afterId: z.string(),
    /** Id of the last row of this page, `""` where it is empty. */
    lastId: z.string(),
  })
  .meta({ id: 'Page' });
export type Page = z.infer<typeof pageSchema>;
