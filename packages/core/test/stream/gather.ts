import { fromColumns, type DataRef, type Flow } from '@dataref/core';

/** The elements of one iteration, or its first `limit`. */
export async function gather<T>(flow: AsyncIterable<T>, limit = Infinity): Promise<T[]> {
  const elements: T[] = [];
  if (limit === 0) return elements;
  for await (const element of flow) {
    elements.push(element);
    if (elements.length >= limit) break;
  }
  return elements;
}

/** Records 0, 1, … n − 1. */
export function range(length: number): DataRef {
  return fromColumns(Float64Array.from({ length }, (_, i) => i));
}

export const through = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The next elements by hand, so that the iteration stays open. */
export function iterate<T>(flow: Flow<T>): AsyncIterator<T> {
  return flow[Symbol.asyncIterator]();
}
