/**
 * A value whose arrays can be moved to another thread: each has a buffer of its own, which is added to `buffers`.
 * Arrays that are views of something larger, or shared, are copied; the rest is not.
 */
export function movable(value: unknown, buffers: ArrayBuffer[]): unknown {
  if (ArrayBuffer.isView(value)) {
    const view = value as Uint8Array;
    const { buffer } = view;
    const isOwn = buffer.byteLength === view.byteLength && isTransferable(buffer) && !buffers.includes(buffer);
    const moved = isOwn ? view : view.slice();
    buffers.push(moved.buffer as ArrayBuffer);
    return moved;
  }
  if (Array.isArray(value)) return value.map((item) => movable(item, buffers));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, movable(item, buffers)]));
}

function isTransferable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return Object.prototype.toString.call(buffer) === '[object ArrayBuffer]';
}
