import { z } from 'zod';

/**
 * What an acknowledgement of a slice's rows means.
 * `disk`: a block is synced before it is acknowledged. `cache`: it is written, and synced at the sealing of its slice.
 * `wait`: clients hear of their row once it is acknowledged, else as soon as it is taken into memory.
 */
export const syncSettingsSchema = z.object({ mode: z.enum(['disk', 'cache']), wait: z.boolean() });
export type SyncSettings = z.infer<typeof syncSettingsSchema>;
