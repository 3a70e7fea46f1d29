import type { Collective } from '../../collective/types.js';

/**
 * The value of rank 0, on all ranks.
 * @param value plain JSON, or undefined; what the others give is left
 * @throws DataRefError COLLECTIVE_FAILED
 */
export async function rootValue(collective: Collective, value: unknown): Promise<unknown> {
  const isRoot = collective.rank === 0;
  const own = new TextEncoder().encode(isRoot ? JSON.stringify({ value }) : '');
  const [byteLength] = await collective.broadcast(Int32Array.of(own.length));
  const sent = await collective.broadcast(isRoot ? own : new Uint8Array(byteLength as number));
  return isRoot ? value : (JSON.parse(new TextDecoder().decode(sent)) as { readonly value?: unknown }).value;
}
