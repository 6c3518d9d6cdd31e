/** First words of a command line that are no components. */
export const commandNames: ReadonlySet<string> = new Set([
  'token',
  'status',
  'query',
  'cat',
  'quarantine',
  'fsck',
  'routes',
  'usage',
  'config',
]);
