import { join } from 'node:path';
import { Client } from 'cassandra-driver';
import { debianProgram } from './debian-program.ts';
import { mavenJars } from './maven-jars.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

export interface CassandraAddress {
  readonly host: string;
  /** Of the native protocol. */
  readonly port: number;
  /** For the driver's load balancing. */
  readonly dataCenter: string;
  /** May do everything. */
  readonly user: string;
  readonly password: string;
}

const settingsFile = 'cassandra.yaml';
const logFile = 'logback.xml';
const host = '127.0.0.1';
const dataCenter = 'datacenter1';
/** Made by the first start of a node that asks for logins. */
const superUser = { user: 'cassandra', password: 'cassandra' };

const jars = () => mavenJars('cassandra-5.0.9', ['org.apache.cassandra:cassandra-all:5.0.9']);
const java = () => debianProgram({ program: 'java', packages: ['default-jre-headless'] });

/** One node of Apache Cassandra 5 that asks for a login: no gossip to wait for, small caches, no JMX port. */
export const cassandraService: ServiceRecipe<CassandraAddress> = {
  name: 'cassandra',
  ports: 3,
  stopSignal: 'SIGTERM',

  async install() {
    await Promise.all([jars(), java()]);
  },

  prepare: async () => undefined,

  settings: (place) => ({ [settingsFile]: cassandraYaml(place), [logFile]: logback }),

  async command({ folder }) {
    const place = [
      `-Dlogback.configurationFile=${join(folder, logFile)}`,
      `-Dcassandra.config=file://${join(folder, settingsFile)}`,
      `-Dcassandra.storagedir=${folder}`,
    ];
    const main = ['-cp', `${await jars()}/*`, 'org.apache.cassandra.service.CassandraDaemon'];
    return { program: await java(), args: [...javaOptions, ...place, '-Dcassandra-foreground=yes', ...main] };
  },

  async probe({ port }) {
    const client = new Client({
      contactPoints: [`${host}:${port}`],
      localDataCenter: dataCenter,
      credentials: { username: superUser.user, password: superUser.password },
      socketOptions: { connectTimeout: 2000, readTimeout: 2000 },
    });
    // Without a listener the driver's notes would go nowhere, with none its errors still reject.
    try {
      await client.connect();
      await client.execute('SELECT release_version FROM system.local');
    } finally {
      await client.shutdown();
    }
  },

  address: ({ port }) => ({ host, port, dataCenter, ...superUser }),

  environment(place) {
    const { port, user, password } = this.address(place);
    return {
      SLUICE_TEST_CASSANDRA: `${host}:${port}`,
      SLUICE_TEST_CASSANDRA_USER: user,
      SLUICE_TEST_CASSANDRA_PASSWORD: password,
    };
  },
};

const cassandraYaml = ({ folder, port }: ServicePlace): string => `cluster_name: test
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: ${host}
rpc_address: ${host}
native_transport_port: ${port}
storage_port: ${port + 1}
ssl_storage_port: ${port + 2}
seed_provider: [{ class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{ seeds: "${host}:${port + 1}" }] }]
data_file_directories: [${join(folder, 'data')}]
commitlog_directory: ${join(folder, 'commitlog')}
saved_caches_directory: ${join(folder, 'saved')}
hints_directory: ${join(folder, 'hints')}
cdc_raw_directory: ${join(folder, 'cdc')}
commitlog_sync: periodic
commitlog_sync_period: 1000ms
commitlog_segment_size: 8MiB
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
file_cache_size: 32MiB
networking_cache_size: 16MiB
prepared_statements_cache_size: 4MiB
key_cache_size: 4MiB
counter_cache_size: 0MiB
auto_bootstrap: false
auto_snapshot: false
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
`;

const logback = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
</configuration>
`;

const exported = [
  ...['jdk.internal.misc', 'jdk.internal.ref', 'sun.nio.ch', 'java.lang.ref'].map((name) => `java.base/${name}`),
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  ...['sun.rmi.registry', 'sun.rmi.server', 'sun.rmi.transport.tcp'].map((name) => `java.rmi/${name}`),
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
];
const opened = [
  ...['java.lang', 'java.lang.module', 'java.io', 'java.nio', 'java.net', 'java.util', 'java.util.concurrent'],
  ...['java.util.concurrent.atomic', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect', 'jdk.internal.math'],
  ...['jdk.internal.module', 'jdk.internal.util.jar', 'sun.nio.ch'],
].map((name) => `java.base/${name}`);

const javaOptions: readonly string[] = [
  ...['-Xms256m', '-Xmx400m', '-XX:MaxDirectMemorySize=128m', '-XX:+ExitOnOutOfMemoryError'],
  ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'],
  ...['-Djdk.attach.allowAttachSelf=true', '-Djava.net.preferIPv4Stack=true'],
  // A node alone has nobody to wait for, and its first login is there at once.
  ...['-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.ring_delay_ms=1'],
  ...['-Dcassandra.superuser_setup_delay_ms=0', '-Dcassandra.initial_token=0'],
  ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
  ...[...opened, 'jdk.management/com.sun.management.internal'].flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
];
