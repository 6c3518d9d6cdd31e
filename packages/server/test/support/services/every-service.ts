import { cassandraService } from './cassandra-service.ts';
import { confluentPython } from './confluent-client.ts';
import { influx1Service } from './influx1-service.ts';
import { kafkaService } from './kafka-service.ts';
import { kcat } from './kcat.ts';
import { postgresService } from './postgres-service.ts';
import type { ServiceRecipe } from './service-recipe.ts';
import { victoriaService } from './victoria-service.ts';

/** All that `make services` starts. */
export const everyService: readonly ServiceRecipe<unknown>[] = [
  kafkaService,
  postgresService,
  influx1Service,
  victoriaService,
  cassandraService,
];

/** Programs that tests talk to the services with, beside the product's own drivers. */
export const everyClient: Readonly<Record<string, () => Promise<string>>> = { kcat, 'confluent-kafka': confluentPython };
