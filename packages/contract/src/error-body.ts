import { z } from 'zod';

/** Body of every error answer; field order is part of the contract. */
export const errorBodySchema = z
  .object({
    statusCode: z.int(),
    /** `stream.api.<name>`, or the name that an upstream system gave. */
    error: z.string(),
    message: z.string(),
    /** Only for status 500 and above: the id under which the service's log has the details. */
    exceptionId: z.string().optional(),
  })
  .meta({ id: 'Error' });
export type ErrorBody = z.infer<typeof errorBodySchema>;
