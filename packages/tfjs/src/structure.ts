import type { Field, Schema } from '@dataref/core';
import { isField } from '@dataref/core/adapter';

/**
 * The structure of a schema with `make`'s result for each leaf.
 * @param make gets the leaf's field, its number among the leaves, and what stands at its place in `value`
 */
export function mapLeaves(
  schema: Schema,
  make: (field: Field, leaf: number, value: unknown) => unknown,
  value?: unknown,
): unknown {
  let next = 0;
  const walk = (node: Schema, at: unknown): unknown => {
    if (isField(node)) return make(node, next++, at);
    const child = (key: string | number): unknown => (at as Record<string | number, unknown> | undefined)?.[key];
    if (Array.isArray(node)) return (node as readonly Schema[]).map((item, i) => walk(item, child(i)));
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, child(key))]));
  };
  return walk(schema, value);
}
