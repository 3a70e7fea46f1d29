import { DataRefError } from '@dataref/core';
import { failed } from '../collective/checks.js';
import type { Collective } from '../collective/types.js';

/**
 * The value of rank 0, on all ranks.
 * @param value plain JSON, or undefined; what the others give is left
 * @throws DataRefError INVALID_ARGUMENT at rank 0 for what is no JSON, where the others get COLLECTIVE_FAILED
 */
export async function rootValue(collective: Collective, value: unknown): Promise<unknown> {
  const isRoot = collective.rank === 0;
  const own = isRoot ? jsonOf(value) : new Uint8Array(0);
  const isWrong = own instanceof DataRefError;
  const [byteLength = -1] = await collective.broadcast(Float64Array.of(isWrong ? -1 : own.length));
  if (isWrong) throw own;
  if (byteLength < 0) throw failed('broadcast: rank 0 had nothing to send; its error says why');
  const sent = await collective.broadcast(isRoot ? own : new Uint8Array(byteLength));
  return isRoot ? value : (JSON.parse(new TextDecoder().decode(sent)) as { readonly value?: unknown }).value;
}

/** The others wait for it: what is wrong is told them before it is thrown. */
function jsonOf(value: unknown): Uint8Array | DataRefError {
  try {
    return new TextEncoder().encode(JSON.stringify({ value }));
  } catch (cause) {
    return new DataRefError('INVALID_ARGUMENT', `broadcast: the value must be plain JSON: ${String(cause)}`, { cause });
  }
}
