import { parseState, type StreamState } from './state.js';

/** One place in which two states differ. */
export interface StateDifference {
  /** Such as `node.input.position`. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** In what two states differ, field by field; empty for equal ones. @throws DataRefError STATE_INVALID */
export function diff(stateA: StreamState, stateB: StreamState): StateDifference[] {
  const differences: StateDifference[] = [];
  const walk = (a: unknown, b: unknown, path: string): void => {
    if (Object.is(a, b)) return;
    if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) {
      differences.push({ path, a, b });
      return;
    }
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      walk(a[key], b[key], Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
  };
  walk(parseState(stateA), parseState(stateB), '');
  return differences;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
