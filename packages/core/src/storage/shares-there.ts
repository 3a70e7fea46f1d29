import { lazyModule } from '../lazy-module.js';
import type { IoOptions } from '../store/object-store.js';
import { storeOf } from './store-of.js';

const loadShares = lazyModule('what reads shares', () => import('./shares.js'));

/** Which shares of a dataset that is written in shares are durable, in order; none once it is committed. */
export async function sharesThere(
  storage: object,
  id: string,
  version: string,
  options: IoOptions = {},
): Promise<number[]> {
  const { Shares } = await loadShares();
  const found = await new Shares(storeOf('sharesThere', storage), id, version).list(options);
  return found.map(({ part }) => part);
}
