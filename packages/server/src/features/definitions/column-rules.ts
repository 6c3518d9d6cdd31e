import type { Column } from '@sluice/contract/mapping';
import type { ColumnInput } from '@sluice/contract/sink';
import { AppError } from '../../kernel/errors/app-error.ts';
import { templateFault } from '../mapping/compile-template.ts';

/** The columns of a mapping as they are stored. `badRequest` where an option is missing or no table could hold the set. */
export function toColumns(inputs: readonly ColumnInput[]): Column[] {
  const columns = inputs.map(toColumn);
  assertTableCanHold(columns.map(({ name }) => name));
  return columns;
}

function toColumn({ type, name, path, defaultValue, rawString = false, template }: ColumnInput): Column {
  switch (type) {
    case 'path':
      if (path === undefined) throw new AppError('badRequest', `Column "${name}" is missing path.`);
      return { type, name, path, ...(defaultValue !== undefined && { defaultValue }), rawString };
    case 'template':
      return { type, name, rawString, template: checkedTemplate(name, template) };
    default:
      return { type, name };
  }
}

function checkedTemplate(name: string, template: ColumnInput['template']): NonNullable<ColumnInput['template']> {
  if (template === undefined) throw new AppError('badRequest', `Column "${name}" is missing template.`);
  const fault = templateFault(template.content);
  if (fault !== undefined) throw new AppError('badRequest', `Column "${name}" template is invalid: ${fault}.`);
  return { language: template.language, content: template.content };
}

/** Tables compare column names without regard to case, so `ID` and `id` are one column. */
function assertTableCanHold(names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    if (name === '') throw new AppError('badRequest', 'A column name is empty, but a table needs a name for each column.');
    if (name.includes('\0') || !name.isWellFormed()) {
      throw new AppError('badRequest', 'A column name has a character that no table can hold.');
    }
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (other === name) throw new AppError('badRequest', `Column "${name}" is there twice, but a table can hold it only once.`);
    if (other !== undefined) {
      throw new AppError('badRequest', `Columns "${other}" and "${name}" differ only in case, a table cannot hold both.`);
    }
    seen.set(folded, name);
  }
}
