/** Loaded before a process by `--import`: plants the bug PLANTED_BUG into the sources that the process loads. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { plant, plantedBug } from './planted-bugs.ts';

const bug = plantedBug();
if (bug) {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (!url.startsWith('file:') || loaded.source === undefined || loaded.source === null) return loaded;
      const source = plant(bug, fileURLToPath(url), Buffer.from(loaded.source as Uint8Array | string).toString());
      return source === undefined ? loaded : { ...loaded, source };
    },
  });
}
