import { isField } from './schema.js';
import type { Schema } from './types.js';

/** Columns in a message. */
const MOST_NAMED = 10;

/** Puts one value a leaf, in the order of `leavesOf(schema)`, into the structure of the schema. */
export function assemble(schema: Schema, valueOf: (leaf: number) => unknown): unknown {
  let next = 0;
  const build = (node: Schema): unknown => {
    if (isField(node)) return valueOf(next++);
    if (Array.isArray(node)) return (node as readonly Schema[]).map(build);
    const made: Record<string, unknown> = {};
    for (const key of Object.keys(node)) made[key] = build((node as Record<string, Schema>)[key] as Schema);
    return made;
  };
  return build(schema);
}

/**
 * Calls `visit` for each leaf of a value that has the structure of the schema.
 * `mismatch` is called, and must throw, where the value is not of that structure.
 */
export function disassemble(
  schema: Schema,
  value: unknown,
  visit: (leaf: number, value: unknown) => void,
  mismatch: (path: string, problem: string) => never,
): void {
  let next = 0;
  const walk = (node: Schema, item: unknown, path: string): void => {
    if (isField(node)) {
      visit(next++, item);
      return;
    }
    const keys = Object.keys(node);
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) {
      mismatch(path, `expected ${Array.isArray(node) ? 'a tuple' : 'an object'} with ${keys.join(', ')}`);
    }
    const given = Object.keys(item);
    if (given.length !== keys.length || !keys.every((key) => Object.hasOwn(item, key)))
      mismatch(path, difference(keys, given, Array.isArray(node) && Array.isArray(item)));
    for (const key of keys) {
      const child = (node as Record<string, Schema>)[key] as Schema;
      walk(child, (item as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`);
    }
  };
  walk(schema, value, '');
}

function difference(keys: readonly string[], given: readonly string[], areLists: boolean): string {
  if (areLists && given.length !== keys.length)
    return `a list of ${given.length} where ${keys.length === 0 ? 'the schema, or the first record, has an empty one' : `there are ${keys.length} columns`}. Lists of numbers are arrays where a schema says so, such as field('int32', [null]) for differing lengths; typed arrays are so by themselves`;
  const missing = keys.filter((key) => !given.includes(key));
  const extra = given.filter((key) => !keys.includes(key));
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`${named(missing)} missing`);
  if (extra.length > 0) problems.push(`${named(extra)} not in the schema`);
  return problems.join(', and ');
}

/** `column "a" is`, `columns "a", "b" are`; not more than a line holds. */
function named(columns: readonly string[]): string {
  const shown = columns.slice(0, MOST_NAMED).map((name) => JSON.stringify(name));
  const list =
    columns.length > MOST_NAMED ? `${shown.join(', ')} and ${columns.length - MOST_NAMED} more` : shown.join(', ');
  return columns.length === 1 ? `column ${list} is` : `columns ${list} are`;
}
