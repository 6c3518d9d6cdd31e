import { z } from 'zod';
import { operation } from './operation.ts';
import { serviceDetailSchema } from './service-detail.ts';

const nothing = z.object({});
const open = { method: 'GET', tag: 'documentation', access: 'public', params: nothing, query: nothing, errors: [] } as const;
const folder = '/v1/documentation';
const document = z.record(z.string(), z.unknown());

export const apiRootIndex = operation({
  ...open,
  id: 'ApiRootIndex',
  path: '/',
  summary: 'Leads to the API.',
  status: 301,
  answer: z.undefined(),
});

export const apiVersionIndex = operation({
  ...open,
  id: 'ApiVersionIndex',
  path: '/v1',
  summary: 'Name of the API and where its documentation is.',
  status: 200,
  answer: serviceDetailSchema,
});

export const openapiJson = operation({
  ...open,
  id: 'OpenapiJson',
  path: `${folder}/openapi.json`,
  summary: 'This document as Swagger 2.0.',
  status: 200,
  answer: document,
});

export const openapiYaml = operation({
  ...open,
  id: 'OpenapiYaml',
  path: `${folder}/openapi.yaml`,
  summary: 'This document as Swagger 2.0, in YAML.',
  status: 200,
  answer: z.string(),
  answerType: 'application/yaml',
});

export const openapi3Json = operation({
  ...open,
  id: 'Openapi3Json',
  path: `${folder}/openapi3.json`,
  summary: 'This document.',
  status: 200,
  answer: document,
});

export const openapi3Yaml = operation({
  ...open,
  id: 'Openapi3Yaml',
  path: `${folder}/openapi3.yaml`,
  summary: 'This document in YAML.',
  status: 200,
  answer: z.string(),
  answerType: 'application/yaml',
});
