import { testSource } from '@sluice/contract/operations';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { compileMapping } from '../../mapping/compile-mapping.ts';
import { columnFaultMessage } from '../../mapping/mapping.ts';
import { IngestRecord } from '../../mapping/record.ts';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import type { OperationRoom } from './operation-room.ts';
import { findSource } from './source-operations.ts';

const maxSinks = 100;

/** The dry run: the request itself is the record, disabled sinks render it too, the first fault ends it. */
export function testOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, mapping, clock } = room;
  const hiddenHeaders = new Set([...room.hiddenHeaders, 'x-storageapi-token']);
  return [
    bindBranch(testSource, {
      store,
      handle: async ({ branch, params: { sourceId }, request }) => {
        const sourceKey = { ...branch, sourceId };
        await findSource(room, sourceKey);
        const { items } = await definitions.sinks(sourceKey, { afterId: '', limit: maxSinks });
        const { rawHeaders, clientIp, body = Buffer.alloc(0) } = request;
        const record = new IngestRecord({ receivedAt: clock.now(), clientIp, rawHeaders, body, hiddenHeaders });
        const tables = items.map(
          ({
            sinkId,
            table: {
              tableId,
              mapping: { columns },
            },
          }) => {
            const compiled = compileMapping(columns, mapping);
            const row = compiled.preview(record);
            if (!row.ok) throw new AppError('unprocessableContent', columnFaultMessage(row));
            const values = row.values;
            return { sinkId, tableId, rows: [{ columns: compiled.columns.map((name, index) => ({ name, value: values[index] ?? '' })) }] };
          },
        );
        return { ...sourceKey, tables };
      },
    }),
  ];
}
