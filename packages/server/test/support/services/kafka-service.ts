import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Admin, FindCoordinatorKeyTypes } from '@platformatic/kafka';
import { makeCertificate } from '../test-certificate.ts';
import { debianProgram } from './debian-program.ts';
import { mavenJars } from './maven-jars.ts';
import { runTool } from './run-tool.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

export interface KafkaUser {
  readonly user: string;
  readonly password: string;
}

export interface KafkaAddress {
  /** `host:port` of the listener without TLS and login; whoever comes there may do everything. */
  readonly plain: string;
  /** `host:port` of the listener with TLS and login by SCRAM-SHA-512. */
  readonly secure: string;
  /** May do everything. */
  readonly admin: KafkaUser;
  /** May do nothing but what access control lists grant. */
  readonly restricted: KafkaUser;
  /** PEM file with the authority of the server's certificate. */
  readonly caFile: string;
}

const admin: KafkaUser = { user: 'admin', password: 'admin-secret' };
const restricted: KafkaUser = { user: 'restricted', password: 'restricted-secret' };
const settingsFile = 'server.properties';
const keyStore = 'keystore.pem';
const authority = 'ca.pem';

const jars = () => mavenJars('kafka-4.1.2', ['org.apache.kafka:kafka_2.13:4.1.2', 'org.slf4j:slf4j-simple:1.7.36']);
const java = () => debianProgram({ program: 'java', packages: ['default-jre-headless'] });
const openssl = () => debianProgram({ program: 'openssl', packages: ['openssl'] });
const classPath = async (): Promise<readonly string[]> => ['-cp', `${await jars()}/*`];

/** One node of Apache Kafka in KRaft mode: a plain listener and a secure one, no topics that make themselves, short sessions allowed. */
export const kafkaService: ServiceRecipe<KafkaAddress> = {
  name: 'kafka',
  ports: 3,
  stopSignal: 'SIGTERM',

  async install() {
    await Promise.all([jars(), java(), openssl()]);
  },

  async prepare({ folder }) {
    const { cert, key } = await makeCertificate('localhost', 3650);
    await Promise.all([writeFile(join(folder, authority), cert), writeFile(join(folder, keyStore), key + cert)]);
    const users = [admin, restricted].map(({ user, password }) => ['--add-scram', `SCRAM-SHA-512=[name=${user},password=${password}]`]);
    const format = ['format', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', settingsFile, ...users.flat()];
    await runTool(await java(), ['-Xmx128m', ...(await classPath()), 'kafka.tools.StorageTool', ...format], { cwd: folder });
  },

  settings: (place) => ({ [settingsFile]: serverProperties(place) }),

  async command() {
    const memory = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
    return { program: await java(), args: [...memory, log, ...(await classPath()), 'kafka.Kafka', settingsFile] };
  },

  /** Its answer says that the internal topics are there: the first groups and transactions of a new node would be refused. */
  async probe({ port }) {
    const client = new Admin({ clientId: 'probe', bootstrapBrokers: [`127.0.0.1:${port}`], retries: 0, timeout: 2000 });
    try {
      for (const keyType of [FindCoordinatorKeyTypes.GROUP, FindCoordinatorKeyTypes.TRANSACTION]) {
        await client.findCoordinator({ keyType, keys: ['probe'] });
      }
    } finally {
      await client.close();
    }
  },

  address: ({ folder, port }) => ({
    plain: `127.0.0.1:${port}`,
    secure: `localhost:${port + 1}`,
    admin,
    restricted,
    caFile: join(folder, authority),
  }),

  environment(place) {
    const { plain, secure, caFile } = this.address(place);
    return {
      SLUICE_TEST_KAFKA: plain,
      SLUICE_TEST_KAFKA_SECURE: secure,
      SLUICE_TEST_KAFKA_CA: caFile,
      SLUICE_TEST_KAFKA_USER: admin.user,
      SLUICE_TEST_KAFKA_PASSWORD: admin.password,
      SLUICE_TEST_KAFKA_RESTRICTED_USER: restricted.user,
      SLUICE_TEST_KAFKA_RESTRICTED_PASSWORD: restricted.password,
    };
  },
};

/** The short broker session: a node that was killed is taken back after that time only. */
const serverProperties = ({ folder, port }: ServicePlace): string => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 2}
listeners=PLAIN://127.0.0.1:${port},SECURE://127.0.0.1:${port + 1},CONTROLLER://127.0.0.1:${port + 2}
advertised.listeners=PLAIN://127.0.0.1:${port},SECURE://localhost:${port + 1}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SECURE:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=${join(folder, keyStore)}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:${admin.user};User:ANONYMOUS
log.dirs=${join(folder, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
log.cleaner.dedupe.buffer.size=4194304
`;
