import { z } from 'zod';

export const serviceDetailSchema = z.object({ api: z.string(), documentation: z.string() }).meta({ id: 'ServiceDetail' });
