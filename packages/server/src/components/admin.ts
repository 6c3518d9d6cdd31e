import { z } from 'zod';
import { roles } from '../features/accounts/principal.ts';
import { storageFiles } from '../features/storage/storage-files.ts';
import { storageStatus } from '../features/storage/storage-status.ts';
import { tableSpaceOf } from '../features/storage/table-name.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { AdminCommands } from '../kernel/folder/admin-commands.ts';
import type { Node } from './node.ts';

/** What the command line asks of a data folder, through its running service or by opening the folder itself. */
export function adminCommands(node: Node, { isService }: { readonly isService: boolean }): AdminCommands {
  const { tokens, tables, storage, readiness, clock } = node;
  const commands = new AdminCommands();
  commands.register({
    name: 'token-create',
    input: z.object({
      role: z.enum(roles),
      projectId: z.int().min(1),
      branchId: z.int().min(1),
      description: z.string().max(200),
    }),
    run: async (input) => {
      const { token, detail } = await tokens.create(input);
      return { token, project: detail.projectId, role: detail.role, branch: detail.branchId, id: detail.tokenId };
    },
  });
  commands.register({ name: 'token-list', input: z.object({}), run: () => tokens.list() });
  commands.register({ name: 'token-revoke', input: z.object({ id: z.string() }), run: ({ id }) => tokens.revoke(id) });
  commands.register({
    name: 'status',
    input: z.object({ files: z.boolean().optional() }),
    run: async ({ files }) => ({
      now: clock.now(),
      ...readiness.report(),
      sinks: storageStatus(storage.view),
      volumes: await storage.volumeSpace(),
      ...(files === true && { files: storageFiles(storage.view) }),
    }),
  });
  commands.register({
    name: 'query',
    input: z.object({ project: z.coerce.number().int(), branch: z.coerce.number().int().default(1), sql: z.string() }),
    run: ({ project, branch, sql }) => {
      if (!tables.query) throw new AppError('badRequest', 'This tables engine is queried with its own client.');
      return tables.query(tableSpaceOf({ projectId: project, branchId: branch }), sql);
    },
  });
  commands.register({ name: 'slice', input: z.object({ slice: z.string() }), run: ({ slice }) => storage.partsOf(slice) });
  const { quarantine } = storage;
  const fileInput = z.object({ file: z.string() });
  commands.register({ name: 'quarantine-list', input: z.object({}), run: async () => quarantine.list('') });
  commands.register({ name: 'quarantine-retry', input: fileInput, run: ({ file }) => quarantine.retry(file) });
  commands.register({ name: 'quarantine-discard', input: fileInput, run: ({ file }) => quarantine.discard(file) });
  commands.register({
    name: 'fsck',
    input: z.object({ volume: z.string().optional(), after: z.string().optional(), repair: z.boolean() }),
    run: (query) => storage.fsck.stretch({ ...query, isLive: isService }),
  });
  commands.register({
    name: 'fsck-adopt',
    input: z.object({ volume: z.string().optional() }),
    run: ({ volume }) => storage.lostAndFound.adopt(volume),
  });
  return commands;
}
