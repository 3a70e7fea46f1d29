import { DataRefError } from '@dataref/core';
import { checkedArray, describeValue, isIterable } from '@dataref/core/adapter';

/** Bytes, or pieces of them, from anywhere. */
export type BlobBytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/**
 * The pieces of a blob.
 * @param cure of what has none of its own
 * @throws DataRefError INVALID_ARGUMENT for anything but bytes, saying what makes bytes of it
 */
export function piecesOf(what: string, data: unknown, cure = AS_BYTES): AsyncGenerator<Uint8Array> {
  if (!isBytes(data) && (ArrayBuffer.isView(data) || !isIterable(data))) throw notBytes(what, data, cure);
  return checked(what, data);
}

const AS_BYTES = 'JSON as new TextEncoder().encode(JSON.stringify(value)), anything else as v8.serialize(value)';

async function* checked(what: string, data: unknown): AsyncGenerator<Uint8Array> {
  if (isBytes(data)) yield atHand(what, data);
  else
    for await (const piece of data as AsyncIterable<unknown>)
      yield isBytes(piece) ? atHand(what, piece) : refusePiece(what, piece);
}

/** Bytes whose memory was transferred look like none. @throws DataRefError INVALID_ARGUMENT */
function atHand(what: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) checkedArray(what, bytes, [0]);
  return bytes;
}

/** Of any realm: a Buffer is one too. */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]' && ArrayBuffer.isView(value);
}

function refusePiece(what: string, piece: unknown): never {
  throw notBytes(`${what}: each piece`, piece, AS_BYTES);
}

function notBytes(what: string, value: unknown, cure: string): DataRefError {
  return new DataRefError(
    'INVALID_ARGUMENT',
    `${what} takes bytes, a Uint8Array or an iterable of them, got ${describeValue(value)}: ${cureOf(value, cure)}`,
  );
}

function cureOf(value: unknown, otherwise: string): string {
  if (value instanceof Promise) return 'await it';
  if (typeof value === 'string') return 'new TextEncoder().encode(text)';
  if (ArrayBuffer.isView(value)) return 'new Uint8Array(array.buffer, array.byteOffset, array.byteLength)';
  if (value instanceof ArrayBuffer) return 'new Uint8Array(buffer)';
  if (typeof value === 'object' && value !== null && 'save' in value && typeof value.save === 'function')
    return "a model of TensorFlow.js: await model.save(tfModel(catalog, 'name'))";
  return otherwise;
}
