import {
  apiRootIndex,
  apiVersionIndex,
  openapi3Json,
  openapi3Yaml,
  openapiJson,
  openapiYaml,
} from '@sluice/contract/documentation-operations';
import { openApiDocument } from '@sluice/contract/openapi';
import type { Operation } from '@sluice/contract/operation';
import { swaggerDocument } from '@sluice/contract/swagger';
import { stringify } from 'yaml';
import { bindPublic } from '../../features/definitions/bind-operation.ts';
import type { BoundOperation } from '../../features/definitions/bound-operation.ts';

interface DocumentsOptions {
  /** Public base URL of the API, known once it listens. */
  readonly apiUrl: () => string;
  /** All operations but those that this file makes. */
  readonly described: readonly Operation[];
}

/** The API's word about itself: where it is, and its documents in each form, made at the first request for one. */
export function documentOperations({ apiUrl, described }: DocumentsOptions): BoundOperation[] {
  const openapi3 = remembered(apiUrl, (url) => openApiDocument({ operations: [apiRootIndex, ...own, ...described], apiUrl: url }));
  const openapi2 = remembered(apiUrl, () => swaggerDocument(openapi3()));
  const yaml3 = remembered(apiUrl, () => yamlOf(openapi3()));
  const yaml2 = remembered(apiUrl, () => yamlOf(openapi2()));
  return [
    bindPublic(apiVersionIndex, async () => ({ api: 'stream', documentation: `${apiUrl()}/v1/documentation` })),
    bindPublic(openapiJson, async () => openapi2()),
    bindPublic(openapiYaml, async () => yaml2()),
    bindPublic(openapi3Json, async () => openapi3()),
    bindPublic(openapi3Yaml, async () => yaml3()),
  ];
}

const own: readonly Operation[] = [apiVersionIndex, openapiJson, openapiYaml, openapi3Json, openapi3Yaml];

const yamlOf = (document: object): string => stringify(document, { aliasDuplicateObjects: false });

/** Anyone may ask for a document, so it is made once for each URL of the API, not for each request. */
function remembered<Value>(apiUrl: () => string, make: (url: string) => Value): () => Value {
  let last: { readonly url: string; readonly value: Value } | undefined;
  return () => {
    const url = apiUrl();
    if (last?.url !== url) last = { url, value: make(url) };
    return last.value;
  };
}
