import visitorModule from '@swc/core/Visitor.js';

// The swc visitor does not know `using` declarations yet; any other unknown syntax still fails loudly.
const { prototype } = visitorModule.Visitor ?? visitorModule;
const { visitStatement } = prototype;
prototype.visitStatement = function visit(statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

const src = '^packages/server/src';
const tests = '\\.(test|conformance)\\.ts$|^packages/server/test/';
/** The feature graph: a feature may import itself and the features listed here. */
const features = {
  accounts: [],
  mapping: [],
  definitions: ['accounts', 'mapping'],
  storage: ['definitions'],
  statistics: ['storage'],
  ingest: ['accounts', 'definitions', 'mapping', 'storage', 'statistics'],
  events: ['accounts'],
  channels: ['accounts'],
  workflows: [],
};
/** Packages that only the named adapter folder may import. */
const drivers = {
  '@duckdb/': '(engines/[^/]+/duckdb|kernel/duckdb)',
  'pg(-copy-streams)?/': 'engines/[^/]+/postgres',
  '@platformatic/kafka': 'engines/log/kafka',
  'cassandra-driver': 'engines/usage/cassandra',
  'node:sqlite$': '(engines/[^/]+/sqlite|kernel/(?:folder|sqlite))',
};

const forbid = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

export default {
  forbidden: [
    forbid(
      'kernel-stands-alone',
      'The kernel knows nothing of the product.',
      { path: `${src}/kernel` },
      { path: `${src}/(engines|features|components|cli)` },
    ),
    forbid(
      'engines-below-features',
      'Engines know the kernel only.',
      { path: `${src}/engines` },
      { path: `${src}/(features|components|cli)` },
    ),
    forbid(
      'features-below-components',
      'Features do not know who composes them.',
      { path: `${src}/features` },
      { path: `${src}/(components|cli)` },
    ),
    forbid('components-below-cli', 'Components do not know the command line.', { path: `${src}/components` }, { path: `${src}/cli` }),
    forbid(
      'cli-through-components',
      'The command line reaches features through components.',
      { path: `${src}/cli` },
      { path: `${src}/features/[^/]+/[^/]+/` },
    ),
    forbid(
      'adapters-behind-registry',
      "Only an engine's registry.ts reaches its adapters.",
      { path: `${src}`, pathNot: `${src}/engines/[^/]+/(registry\\.ts$|[^/]+/)` },
      { path: `${src}/engines/[^/]+/[^/]+/` },
    ),
    forbid(
      'adapters-apart',
      'An adapter does not import another adapter.',
      { path: `${src}/engines/([^/]+)/([^/]+)/` },
      { path: `${src}/engines/[^/]+/[^/]+/`, pathNot: `${src}/engines/$1/$2/` },
    ),
    forbid(
      'registry-is-lazy',
      'Adapters are loaded on use, by dynamic import.',
      { path: `${src}/engines/[^/]+/registry\\.ts$` },
      { path: `${src}/engines/[^/]+/[^/]+/`, dependencyTypesNot: ['dynamic-import'] },
    ),
    forbid(
      'private-rooms',
      'The sub-folders of a feature are private to it.',
      { path: `${src}/(?:features/([^/]+)|components|cli)`, pathNot: tests },
      { path: `${src}/features/[^/]+/[^/]+/`, pathNot: `${src}/features/$1/` },
    ),
    ...Object.entries(features).map(([feature, allowed]) =>
      forbid(
        `feature-graph-${feature}`,
        `${feature} may import: ${allowed.join(', ') || 'no other feature'}.`,
        { path: `${src}/features/${feature}/` },
        { path: `${src}/features/`, pathNot: `${src}/features/(${[feature, ...allowed].join('|')})/` },
      ),
    ),
    ...Object.entries(drivers).map(([driver, place]) =>
      forbid(
        `driver-in-adapter-${driver.replace(/\W/g, '')}`,
        `${driver} belongs to ${place}.`,
        { path: src, pathNot: [`${src}/${place}/`, tests] },
        { path: driver.startsWith('node:') ? driver.replace('node:', '^(node:)?') : `node_modules/${driver}` },
      ),
    ),
    forbid('contract-runs-anywhere', 'The contract has no Node and no DOM.', { path: '^packages/contract' }, { dependencyTypes: ['core'] }),
    forbid('contract-stands-alone', 'The contract imports zod only.', { path: '^packages/contract/src' }, { path: '^packages/server' }),
    forbid(
      'jsonnet-stands-alone',
      'Jsonnet knows nothing of the product.',
      { path: '^packages/jsonnet/src' },
      { path: '^packages/(server|contract)' },
    ),
    forbid('no-cycles', 'Cycles hide who depends on whom.', {}, { circular: true }),
    forbid('no-unresolvable', 'The import leads nowhere.', {}, { couldNotResolve: true }),
    forbid(
      'no-dev-dependencies',
      'Product code runs without dev dependencies.',
      { path: src, pathNot: tests },
      { dependencyTypes: ['npm-dev'] },
    ),
    forbid('no-tests-in-product', 'Product code does not import tests.', { path: src, pathNot: tests }, { path: tests }),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
    },
  },
};
