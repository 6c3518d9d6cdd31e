import { z } from 'zod';

/** Column types and their options (stream API, mapping columns). */
export const columnTypes = ['uuid', 'datetime', 'ip', 'body', 'headers', 'path', 'template'] as const;

const plainColumn = <T extends string>(type: T) => z.object({ type: z.literal(type), name: z.string() });

/** One column of a table sink. Field order is that of the API's answers. */
export const columnSchema = z.discriminatedUnion('type', [
  plainColumn('uuid'),
  plainColumn('datetime'),
  plainColumn('ip'),
  plainColumn('body'),
  plainColumn('headers'),
  z.object({
    type: z.literal('path'),
    name: z.string(),
    /** Dots and `[n]`; `""` is the whole body. */
    path: z.string(),
    defaultValue: z.string().optional(),
    rawString: z.boolean(),
  }),
  z.object({
    type: z.literal('template'),
    name: z.string(),
    rawString: z.boolean(),
    /** A Jsonnet expression. */
    template: z.object({ language: z.literal('jsonnet'), content: z.string() }),
  }),
]);
export type Column = z.infer<typeof columnSchema>;
