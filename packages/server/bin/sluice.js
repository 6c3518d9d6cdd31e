#!/usr/bin/env node
// Plain JavaScript without a static import: an old Node must reach the sentence below instead of a syntax error.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `sluice: Node ${process.versions.node} is too old: Sluice runs on Node 26 (24 at least). Start it by ./sluice after 'make install'.`,
  );
  process.exit(69);
}
const { enableCompileCache } = await import('node:module');
const { fileURLToPath } = await import('node:url');
const { setFlagsFromString } = await import('node:v8');
// Otherwise the heap grows to several times what lives before all of it is collected: 420 instead of 367 MB resident under full load.
setFlagsFromString('--heap-growing-percent=50');
// For worker threads: their first full collection comes at some 60 MB otherwise, which is the garbage of hours.
setFlagsFromString('--initial-old-space-size=8');
// What Node made of the sources is kept beside them, for worker threads too: a start costs half, and what removes types (10 MB in
// each thread) is not loaded. Where the folder cannot be written, or NODE_DISABLE_COMPILE_CACHE is set, nothing else changes.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
enableCompileCache(process.env['NODE_COMPILE_CACHE']);
const { runCli } = await import('../src/cli/main.ts');
process.exitCode = await runCli(process.argv.slice(2));
