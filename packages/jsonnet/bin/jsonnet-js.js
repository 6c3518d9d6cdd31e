#!/usr/bin/env node
// Plain JavaScript without a static import: an old Node must reach the sentence below instead of a syntax error.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`jsonnet-js: Node ${process.versions.node} is too old: it runs on Node 26 (24 at least).`);
  process.exit(69);
}
// What is compiled once is kept in the temporary folder: compiling takes more than half the time of a short program.
(await import('node:module')).enableCompileCache();
const { runCli } = await import('../src/cli/run-cli.ts');
process.exitCode = await runCli(process.argv.slice(2), process.env);
