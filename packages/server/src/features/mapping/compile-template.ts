import { compile } from '@sluice/jsonnet/compile';
import { JsonnetError } from '@sluice/jsonnet/jsonnet-error';
import type { Program } from '@sluice/jsonnet/program';
import type { BodyFault } from './document/json-document.ts';
import type { IngestRecord } from './record.ts';
import { TemplateInput, templateFunctions } from './template/template-functions.ts';

/** The record's value as compact JSON text, or why it has none. */
export type Template = (record: IngestRecord) => string | BodyFault;

/**
 * Compiles the Jsonnet of a `template` column. The result may be used for any number of records and keeps none.
 * Throws JsonnetError where `templateFault` has something to say. Imports are refused; the limits are those of the language package.
 */
export function compileTemplate(content: string): Template {
  const program = compileProgram(content);
  return (record) => {
    const context = new TemplateInput(record);
    try {
      return program.toCompactJson({ context });
    } catch (error) {
      if (!(error instanceof JsonnetError)) throw error;
      return context.fault ?? { ok: false, code: 'unprocessableContent', reason: reasonOf(error.message) };
    }
  };
}

/** Why nothing can be evaluated: `1:1-8 Unknown variable: x`, no full stop; `undefined` for a good template. */
export function templateFault(content: string): string | undefined {
  try {
    compileProgram(content);
    return undefined;
  } catch (error) {
    if (!(error instanceof JsonnetError)) throw error;
    return reasonOf(error.range === undefined ? error.message : error.summary);
  }
}

const compileProgram = (content: string): Program => compile(content, { natives: templateFunctions() });

/** Errors may quote what a record brought, so they can be long; budgets end their sentence with a full stop. */
function reasonOf(message: string): string {
  const text = message.length > maxReasonLength ? `${message.slice(0, maxReasonLength).toWellFormed()}…` : message;
  return text.replace(/\.$/, '');
}

const maxReasonLength = 1000;
