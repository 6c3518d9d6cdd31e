import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { commandLine } from './command-line.ts';
import { debianProgram } from './debian-program.ts';
import { runTool } from './run-tool.ts';
import type { ServiceCommand, ServicePlace, ServiceRecipe } from './service-recipe.ts';

interface PostgresAddress {
  /** `postgres://…` with the password of the superuser, and the database `postgres`. */
  readonly url: string;
}

/** The one of the Debian package. */
const user = 'postgres';
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
const password = 'postgres-secret';
/** Debian keeps the programs of each version apart and off the PATH. */
const versions = '/usr/lib/postgresql';
const oldest = 15;

/** PostgreSQL of 15 or newer with the settings of its package, but for less memory and a log for logical replication. */
export const postgresService: ServiceRecipe<PostgresAddress> = {
  name: 'postgres',
  ports: 1,
  stopSignal: 'SIGINT',

  async install() {
    await program('initdb');
  },

  async prepare({ folder }) {
    await writeFile(join(folder, 'password'), password);
    const access = ['-U', user, '--auth-local=trust', '--auth-host=scram-sha-256', '--pwfile=password'];
    if (isRoot()) await runTool('install', ['-d', '-o', user, '-g', user, dataOf(folder)]);
    const initdb = ['-D', dataOf(folder), ...access, '-E', 'UTF8', '--locale=C', '--no-sync'];
    const [first, ...args] = commandLine(asItsUser({ program: await program('initdb'), args: initdb }), false);
    await runTool(first, args, { cwd: folder, env });
  },

  settings: () => ({}),

  async command({ folder, port }) {
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      shared_buffers: '32MB',
      max_connections: 50,
      wal_level: 'logical',
      log_min_messages: 'warning',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return asItsUser({ program: await program('postgres'), args: ['-D', dataOf(folder), ...flags] });
  },

  async probe(place) {
    const client = new Client({ connectionString: this.address(place).url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end();
    }
  },

  address: ({ port }: ServicePlace) => ({ url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres` }),

  environment(place) {
    return { SLUICE_TEST_POSTGRES: this.address(place).url };
  },

  /** After a SIGKILL its children live on for a moment, and it does not start beside them. */
  mayRetry: (log) => /lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(log),
};

const isRoot = (): boolean => process.getuid?.() === 0;
const dataOf = (folder: string): string => join(folder, 'data');

/** It refuses to run as root. */
const asItsUser = (command: ServiceCommand): ServiceCommand => (isRoot() ? { ...command, env, user } : { ...command, env });

/** Of the newest version that is installed. */
async function program(name: string): Promise<string> {
  const installed = await readdir(versions).catch(() => []);
  const newest = Math.max(0, ...installed.map(Number).filter((version) => version >= oldest));
  return debianProgram({ program: join(versions, String(newest || oldest), 'bin', name), packages: ['postgresql'] });
}
