import { invalidArgument } from '../errors.js';
import { isNDArray } from '../schema/ndarray.js';

/** How one value is carried to another thread. */
interface Carriage {
  /** What the value is, for messages. */
  readonly what: 'input' | 'result';
  /** The bytes of an array, alone in a buffer that may be moved. */
  readonly own: (buffer: ArrayBufferLike, byteOffset: number, byteLength: number) => ArrayBuffer;
  /** Buffers to be moved. */
  readonly buffers: ArrayBuffer[];
  /** What was carried already, so that what is one object stays one. */
  readonly seen: Map<object, unknown>;
}

/**
 * A value whose arrays are copies, each with a buffer of its own that is added to `buffers`, to be moved to another thread.
 * @throws DataRefError INVALID_ARGUMENT for what would not come through whole
 */
export function copied(value: unknown, buffers: ArrayBuffer[]): unknown {
  return carried(value, { what: 'input', own: copyOf, buffers, seen: new Map() });
}

/**
 * A value whose arrays can be moved to another thread: each has a buffer of its own, which is added to `buffers`.
 * Arrays that are views of something larger, or shared, are copied; the rest is not.
 * @throws DataRefError INVALID_ARGUMENT for an array that was moved before, and for what would not come through whole
 */
export function movable(value: unknown, buffers: ArrayBuffer[]): unknown {
  const own: Carriage['own'] = (buffer, byteOffset, byteLength) => {
    const isOwn = buffer.byteLength === byteLength && isTransferable(buffer) && !buffers.includes(buffer);
    return isOwn ? buffer : copyOf(buffer, byteOffset, byteLength);
  };
  return carried(value, { what: 'result', own, buffers, seen: new Map() });
}

/** The value as structured cloning gives it, but for classes that this would make plain objects of: they are refused. */
function carried(value: unknown, carriage: Carriage): unknown {
  const { what, seen } = carriage;
  if (typeof value === 'function' || typeof value === 'symbol')
    throw invalidArgument(`the ${what} has a ${typeof value}, which cannot cross threads`);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = <T>(made: T): T => (seen.set(value, made), made);
  if (ArrayBuffer.isView(value)) return keep(carriedView(value, carriage));
  if (isPlain(value) || isNDArray(value)) {
    const made = keep(Object.create(null) as Record<string, unknown>); // where __proto__ is a key as any other
    for (const key of Object.keys(value)) made[key] = carried((value as Record<string, unknown>)[key], carriage);
    return made;
  }
  switch (classOf(value)) {
    case 'Array': {
      const made = keep(new Array<unknown>((value as unknown[]).length));
      (value as unknown[]).forEach((item, i) => (made[i] = carried(item, carriage)));
      return made;
    }
    case 'Map': {
      const made = keep(new Map<unknown, unknown>());
      for (const [key, item] of value as Map<unknown, unknown>)
        made.set(carried(key, carriage), carried(item, carriage));
      return made;
    }
    case 'Set': {
      const made = keep(new Set<unknown>());
      for (const item of value as Set<unknown>) made.add(carried(item, carriage));
      return made;
    }
    case 'ArrayBuffer':
      return keep(ownBuffer(value as ArrayBuffer, 0, (value as ArrayBuffer).byteLength, carriage));
    default:
      return keep(cloned(value, what));
  }
}

function carriedView(view: ArrayBufferView, carriage: Carriage): unknown {
  const kind = Object.prototype.toString.call(view).slice(8, -1);
  const name = classOf(view);
  // Node's Buffer is for bytes what Uint8Array is.
  if (name !== kind && name !== 'Buffer') throw refused(name, carriage.what);
  const buffer = ownBuffer(view.buffer, view.byteOffset, view.byteLength, carriage);
  return buffer === view.buffer ? view : new globalThis[kind as 'DataView'](buffer); // or a typed array
}

function ownBuffer(
  buffer: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
  { what, own, buffers }: Carriage,
): ArrayBuffer {
  if (buffer.byteLength === 0 && isDetached(buffer)) {
    throw invalidArgument(
      `an array of the ${what} was moved out of the thread before: arrays are moved, not copied, so give new ones each time, or a slice() of one that is kept`,
    );
  }
  const made = own(buffer, byteOffset, byteLength);
  buffers.push(made);
  return made;
}

/** Dates, regular expressions, errors and whatever else cloning knows. */
function cloned(value: object, what: Carriage['what']): unknown {
  let made: object | undefined;
  try {
    made = structuredClone(value);
  } catch {
    // Cloning knows that it does not know it.
  }
  if (made === undefined || classOf(made) !== classOf(value)) throw refused(classOf(value), what);
  return made;
}

function refused(name: string | undefined, what: Carriage['what']): Error {
  return invalidArgument(
    `the ${what} has an object of class ${name ?? '(unknown)'}, which cannot cross threads: give a plain object of its fields`,
  );
}

/** Of any realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function classOf(value: object): string | undefined {
  return (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name;
}

function copyOf(buffer: ArrayBufferLike, byteOffset: number, byteLength: number): ArrayBuffer {
  return new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
}

function isTransferable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return Object.prototype.toString.call(buffer) === '[object ArrayBuffer]';
}

/** Node 20 has no `detached`: what reads it refuses. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
