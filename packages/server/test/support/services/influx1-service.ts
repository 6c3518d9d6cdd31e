import { join } from 'node:path';
import { debianProgram } from './debian-program.ts';
import { expectAnswer } from './expect-answer.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

interface Influx1Address {
  /** Base of `/write` and `/query`; no login. */
  readonly url: string;
}

const settingsFile = 'influxdb.conf';
const influxd = () => debianProgram({ program: 'influxd', packages: ['influxdb'] });

/** InfluxDB 1.6: line protocol of version 1 and InfluxQL. Version 2 paths are not there. */
export const influx1Service: ServiceRecipe<Influx1Address> = {
  name: 'influx1',
  ports: 2,
  stopSignal: 'SIGTERM',

  async install() {
    await influxd();
  },

  prepare: async () => undefined,

  settings: (place) => ({ [settingsFile]: influxSettings(place) }),

  async command() {
    return { program: await influxd(), args: ['-config', settingsFile] };
  },

  async probe({ port }) {
    await expectAnswer(`http://127.0.0.1:${port}/query?q=SHOW%20DATABASES`);
  },

  address: ({ port }: ServicePlace) => ({ url: `http://127.0.0.1:${port}` }),

  environment(place) {
    return { SLUICE_TEST_INFLUX1: this.address(place).url };
  },
};

const influxSettings = ({ folder, port }: ServicePlace): string => `reporting-disabled = true
bind-address = "127.0.0.1:${port + 1}"

[meta]
  dir = "${join(folder, 'meta')}"

[data]
  dir = "${join(folder, 'data')}"
  wal-dir = "${join(folder, 'wal')}"

[monitor]
  store-enabled = false

[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
`;
