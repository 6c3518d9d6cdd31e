import type { z } from 'zod';

/**
 * One operation of the configuration API, as data: the server routes by it, the OpenAPI document is generated from it.
 * Texts of paths, queries and headers are decoded by their schemas; unknown ones are ignored.
 */
export interface Operation<Params = unknown, Query = unknown, Body = unknown, Answer = unknown> {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** `{name}` stands for one segment, `{name...}` at the end for the rest of the path. */
  readonly path: string;
  readonly summary: string;
  readonly tag: 'documentation' | 'configuration' | 'test' | 'internal';
  /** `public`: no token. `read`: any token. `write`: a token that may change definitions. */
  readonly access: 'public' | 'read' | 'write';
  readonly params: z.ZodType<Params>;
  readonly query: z.ZodType<Query>;
  /** A JSON body; absent where there is none, or where any body is taken as it is (`rawBody`). */
  readonly body?: z.ZodType<Body>;
  readonly rawBody?: true;
  /** 301 leads elsewhere, by a header. */
  readonly status: 200 | 202 | 301;
  /** `undefined` alone: an empty body. */
  readonly answer: z.ZodType<Answer>;
  /** Of an answer that is a text; absent: JSON. */
  readonly answerType?: 'application/yaml';
  /** Error names beyond those that every operation may answer. */
  readonly errors: readonly string[];
}

/** Keeps the types of the schemas. */
export const operation = <Params, Query, Body, Answer>(
  declared: Operation<Params, Query, Body, Answer>,
): Operation<Params, Query, Body, Answer> => declared;
