import { z } from 'zod';
import { timestamp } from './fields.ts';
import { pageSchema } from './page.ts';

export const actorSchema = z
  .object({
    type: z.enum(['user', 'system']),
    tokenId: z.string().optional(),
    tokenDesc: z.string().optional(),
    userId: z.string().optional(),
    userName: z.string().optional(),
  })
  .meta({ id: 'By' });

export const versionSchema = z
  .object({
    number: z.int(),
    /** 16 hex digits over the entity without its version and created blocks. */
    hash: z.string(),
    description: z.string(),
    at: timestamp,
    by: actorSchema,
  })
  .meta({ id: 'Version' });

export const createdSchema = z.object({ at: timestamp, by: actorSchema }).meta({ id: 'CreatedEntity' });
export const deletedSchema = z.object({ at: timestamp, by: actorSchema }).meta({ id: 'DeletedEntity' });
export const disabledSchema = z.object({ at: timestamp, by: actorSchema, reason: z.string() }).meta({ id: 'DisabledEntity' });

export const versionsSchema = z.object({ versions: z.array(versionSchema), page: pageSchema }).meta({ id: 'EntityVersions' });
