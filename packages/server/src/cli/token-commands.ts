import { z } from 'zod';
import { AppError } from '../kernel/errors/app-error.ts';
import type { FolderOptions, FolderTools } from './folder-command.ts';

interface CreateOptions extends FolderOptions {
  readonly role: string;
  readonly project: string;
  readonly branch: string;
  readonly description: string;
}

const createdSchema = z.object({ token: z.string(), project: z.int(), role: z.string(), branch: z.int(), id: z.string() });
const listSchema = z.array(
  z.object({
    tokenId: z.string(),
    projectId: z.int(),
    branchId: z.int(),
    role: z.string(),
    description: z.string(),
    createdAt: z.string(),
  }),
);

export async function createToken({ ask, out }: FolderTools, options: CreateOptions): Promise<void> {
  const input = {
    role: options.role,
    projectId: positive(options.project, '--project'),
    branchId: positive(options.branch, '--branch'),
    description: options.description,
  };
  const created = createdSchema.parse(await ask({ dataDir: options.dataDir, command: 'token-create', input }));
  const { token, project, role } = created;
  out(options.json === true ? `${JSON.stringify({ token, project, role })}\n` : `${token}\n`);
}

export async function listTokens({ ask, out }: FolderTools, options: FolderOptions): Promise<void> {
  const tokens = listSchema.parse(await ask({ dataDir: options.dataDir, command: 'token-list', input: {} }));
  if (options.json === true) {
    out(`${JSON.stringify(tokens)}\n`);
    return;
  }
  for (const { tokenId, projectId, role, createdAt, description } of tokens) {
    out(`${tokenId}  project ${projectId}  ${role.padEnd(5)}  ${createdAt}  ${description}\n`);
  }
}

export async function revokeToken({ ask, out }: FolderTools, options: FolderOptions & { readonly id: string }): Promise<void> {
  const { id, dataDir } = options;
  const revoked = await ask({ dataDir, command: 'token-revoke', input: { id } });
  if (revoked !== true) throw new AppError('badRequest', `There is no token "${id}": see \`sluice token list\`.`);
  out(options.json === true ? `${JSON.stringify({ revoked: id })}\n` : `revoked ${id}\n`);
}

function positive(text: string, option: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new AppError('configInvalid', `${option} must be a positive integer, but is "${text}".`);
  return Number(text);
}
