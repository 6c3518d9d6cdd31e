/**
 * A process that imports one staged object and kills itself at a checkpoint.
 * Arguments: the root folder with `objects` and `tables`, the checkpoint, and the import as JSON.
 */
import { join } from 'node:path';
import { openObjectStore } from '../../src/engines/objects/registry.ts';
import { openTableEngine } from '../../src/engines/tables/registry.ts';

const [root = '', point, file = ''] = process.argv.slice(2);
const objects = await openObjectStore({ kind: 'local', folder: join(root, 'objects') });
const tables = await openTableEngine(
  { kind: 'duckdb', folder: join(root, 'tables') },
  {
    objects,
    checkpoint: (name) => {
      if (name === point) process.kill(process.pid, 'SIGKILL');
    },
  },
);
await tables.importFile(JSON.parse(file), new AbortController().signal);
