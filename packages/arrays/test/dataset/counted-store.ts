import { MemoryStore, type ObjectStore } from '@dataref/core/store';

/** A store in memory that notes which chunks are read. */
export function countedStore(): { readonly store: ObjectStore; readonly reads: string[] } {
  const reads: string[] = [];
  const store = new MemoryStore();
  const get = store.get.bind(store);
  store.get = async (key, ...rest) => {
    if (!key.endsWith('zarr.json')) reads.push(key.slice(key.indexOf('%/') + 2));
    return get(key, ...rest);
  };
  return { store, reads };
}
