import { describeMetadataStore } from '../../src/engines/metadata/metadata-store.conformance.ts';
import { MemoryMetadataStore } from '../support/memory-metadata-store.ts';

describeMetadataStore('memory', async () => {
  const store = new MemoryMetadataStore();
  return {
    store,
    // Nothing outlives the object, so it stays open.
    reopen: async () => {},
    compact: async () => store.compact(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});
