import { z } from 'zod';
import type { SourceKey } from './keys.ts';
import { settingOverridesSchema } from './settings.ts';

/** Who made a change. */
const actorSchema = z.object({
  type: z.enum(['user', 'system']),
  tokenId: z.string().optional(),
  tokenDesc: z.string().optional(),
  userId: z.string().optional(),
  userName: z.string().optional(),
});
export type Actor = z.infer<typeof actorSchema>;

export const versionSchema = z.object({
  number: z.int().min(1),
  hash: z.string(),
  description: z.string(),
  at: z.string(),
  by: actorSchema,
});
export type Version = z.infer<typeof versionSchema>;

export const createdSchema = z.object({ at: z.string(), by: actorSchema });
/** `directly`: by an operation on the entity itself, not on its source. */
export const disabledSchema = createdSchema.extend({ reason: z.string(), directly: z.boolean() });
export const deletedSchema = createdSchema.extend({ directly: z.boolean() });

/** A source as stored under `definition/source/active/<sourceKey>`, or `deleted/` after its deletion. */
export const sourceSchema = z.object({
  projectId: z.int(),
  branchId: z.int(),
  sourceId: z.string(),
  type: z.literal('http'),
  name: z.string(),
  description: z.string(),
  secret: z.object({
    /** HMAC-SHA-256 of the secret under the folder's key, base64; what ingest compares. */
    hash: z.string(),
    /** AES-256-GCM of the secret, base64 of nonce, text and tag; what the API shows. */
    sealed: z.string(),
  }),
  settings: settingOverridesSchema.optional(),
  version: versionSchema,
  created: createdSchema,
  disabled: disabledSchema.optional(),
  deleted: deletedSchema.optional(),
});
export type Source = z.infer<typeof sourceSchema>;

export const sourceKeyOf = ({ projectId, branchId, sourceId }: Source): SourceKey => ({ projectId, branchId, sourceId });
