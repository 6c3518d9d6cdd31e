import { debianProgram } from './debian-program.ts';
import { expectAnswer } from './expect-answer.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

interface VictoriaAddress {
  /** Base of `/api/v2/write` and `/api/v1/export`; no login. */
  readonly url: string;
}

const victoria = () => debianProgram({ program: 'victoria-metrics', packages: ['victoria-metrics'] });

/**
 * VictoriaMetrics, which takes InfluxDB's line protocol of version 2. It answers 204 to malformed lines as well. What was written
 * is read back by `/api/v1/export` after `/internal/force_flush`, as series `<measurement>_<field>`.
 */
export const victoriaService: ServiceRecipe<VictoriaAddress> = {
  name: 'victoria',
  ports: 1,
  stopSignal: 'SIGTERM',

  async install() {
    await victoria();
  },

  prepare: async () => undefined,

  settings: () => ({}),

  async command({ port }) {
    const place = ['-storageDataPath=data', `-httpListenAddr=127.0.0.1:${port}`];
    const limits = ['-retentionPeriod=100y', '-memory.allowedBytes=64MB', '-loggerLevel=WARN'];
    return { program: await victoria(), args: [...place, ...limits] };
  },

  async probe({ port }) {
    await expectAnswer(`http://127.0.0.1:${port}/api/v1/query?query=1`);
  },

  address: ({ port }: ServicePlace) => ({ url: `http://127.0.0.1:${port}` }),

  environment(place) {
    return { SLUICE_TEST_VICTORIA: this.address(place).url };
  },
};
