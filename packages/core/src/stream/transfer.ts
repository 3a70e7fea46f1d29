import { invalidArgument } from '../errors.js';

/** A value whose arrays are copies, each with a buffer of its own that is added to `buffers`, to be moved to another thread. */
export function copied(value: unknown, buffers: ArrayBuffer[]): unknown {
  return withArrays(value, buffers, sliceOf);
}

/**
 * A value whose arrays can be moved to another thread: each has a buffer of its own, which is added to `buffers`.
 * Arrays that are views of something larger, or shared, are copied; the rest is not.
 * @throws DataRefError INVALID_ARGUMENT for an array that was moved before
 */
export function movable(value: unknown, buffers: ArrayBuffer[]): unknown {
  return withArrays(value, buffers, (view) => {
    const { buffer } = view;
    if (buffer.byteLength === 0 && isDetached(buffer)) {
      throw invalidArgument(
        'an array of the result was moved out of the thread before: arrays are moved, not copied, so give new ones each time, or a slice() of one that is kept',
      );
    }
    const isOwn = buffer.byteLength === view.byteLength && isTransferable(buffer) && !buffers.includes(buffer);
    return isOwn ? view : sliceOf(view);
  });
}

function withArrays(value: unknown, buffers: ArrayBuffer[], own: (view: Uint8Array) => Uint8Array): unknown {
  if (ArrayBuffer.isView(value)) {
    const array = own(value as Uint8Array);
    buffers.push(array.buffer as ArrayBuffer);
    return array;
  }
  if (typeof value === 'function' || typeof value === 'symbol')
    throw invalidArgument(`the result has a ${typeof value}, which cannot cross threads`);
  if (Array.isArray(value)) return value.map((item) => withArrays(item, buffers, own));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withArrays(item, buffers, own)]));
}

/** A copy with a buffer of its own; a Buffer's own `slice` gives a view. */
function sliceOf(view: Uint8Array): Uint8Array {
  const isBytes = Object.prototype.toString.call(view) === '[object Uint8Array]';
  return isBytes
    ? Uint8Array.prototype.slice.call(new Uint8Array(view.buffer, view.byteOffset, view.length))
    : view.slice();
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
