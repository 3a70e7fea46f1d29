import type { ObjectStore, StoreRecipe } from '../../packages/core/dist/store/object-store.js';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { tempFolder } from '../crash/process.js';

/** Makes a store that is empty, and reached by other processes through its recipe. */
export type OpenStore = () => Promise<{ readonly store: ObjectStore; readonly recipe: StoreRecipe }>;

export const openFolder: OpenStore = async () => {
  const store = new FileStore(tempFolder());
  return { store, recipe: store.recipe() };
};
