import { z } from 'zod';

export const routeSchema = z
  .object({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'a route is named by small letters, digits and dashes'),
    when: z.string().min(1).max(1000).describe('Predicate in CEL over amount, time, id and watermark.'),
  })
  .meta({ id: 'Route' });

/** What is versioned: all routes of a topic together. An event goes to every route whose predicate holds for it. */
export const routeSetSchema = z
  .object({
    watermark: z.number().default(5).describe('A number that the predicates may use.'),
    routes: z.array(routeSchema).min(1).max(30),
  })
  .refine(({ routes }) => new Set(routes.map(({ name }) => name)).size === routes.length, 'two routes have the same name')
  .meta({ id: 'RouteSet' });
export type RouteSet = z.infer<typeof routeSetSchema>;
