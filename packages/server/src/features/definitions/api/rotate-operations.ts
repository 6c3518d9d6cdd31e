import { rotateSourceSecret } from '@sluice/contract/lifecycle-operations';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { nextVersion } from '../entity-change.ts';
import { sourceKeyText } from '../keys.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSource } from './source-operations.ts';
import { untilApplied } from './until-applied.ts';

/** No task: the answer has the new URL, and comes when every source node knows it. */
export function rotateOperations(room: OperationRoom): BoundOperation[] {
  const { store, tasks, vault, views, writer } = room;
  return [
    bindBranch(rotateSourceSecret, {
      store,
      handle: (call) => {
        const key = { ...call.params, ...call.branch };
        const entityKey = sourceKeyText(key);
        return tasks.whileHeld({ type: 'api.rotate.sourceSecret', entityKey }, async () => {
          const note = { description: 'Rotated secret.', ...stampOf(room, call) };
          const secret = vault.store(vault.newSecret(), entityKey);
          const revision = await writer.updateSource(key, (source) => nextVersion({ ...source, secret }, note));
          await untilApplied(room, revision);
          return views.source(await findSource(room, key));
        });
      },
    }),
  ];
}
