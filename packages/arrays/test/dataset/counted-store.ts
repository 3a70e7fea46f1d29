import { MemoryStore, type ObjectStore } from '@dataref/core/store';

/** A store in memory that notes which chunks are read. */
export function countedStore(): { readonly store: ObjectStore; readonly reads: string[] } {
  const reads: string[] = [];
  const store = new MemoryStore();
  const { get } = store;
  store.get = async function (key, ...rest) {
    if (!key.endsWith('zarr.json')) reads.push(key.slice(key.indexOf('%/') + 2));
    return get.call(this, key, ...rest);
  };
  return { store, reads };
}
