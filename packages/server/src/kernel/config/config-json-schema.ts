import { z } from 'zod';

/** JSON schema (2020-12) of the configuration file: nothing is required there, and no other keys are taken. */
export function configJsonSchema(schema: z.ZodObject): Record<string, unknown> {
  return {
    ...z.toJSONSchema(schema, {
      io: 'input',
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema instanceof z.ZodObject) {
          delete jsonSchema.required;
          jsonSchema.additionalProperties = false;
        }
        if (jsonSchema['secret'] === true) jsonSchema.writeOnly = true;
        for (const name of ['secret', 'env', 'form']) delete jsonSchema[name];
      },
    }),
  };
}
