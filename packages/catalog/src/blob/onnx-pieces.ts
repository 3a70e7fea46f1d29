import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { checkFilePath, shown } from '@dataref/core/adapter';
import { FILE, FILE_FIELD, OnnxReader } from './onnx-reader.js';

const PIECE_BYTES = 2 ** 20;
const LENGTH_DELIMITED = 2;
const CURE = "give what an exporter has written, whole and as one file: onnx.save_model(onnx.load(path), 'one.onnx')";

/**
 * The pieces of a model, passed on while they are read.
 * @throws DataRefError INVALID_ARGUMENT at the end for what is no model, or has tensors in other files
 */
export async function* onnxPieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const [needed] = yield* passedOn('the model', pieces);
  if (needed === undefined) return;
  throw invalid(
    `the model has tensors in the file ${shown(needed[0])} beside it; give the path of the model, and both are saved`,
  );
}

/**
 * The pieces of a model's file, and of those beside it that its tensors lie in, each as a field behind the model.
 * @throws DataRefError INVALID_ARGUMENT for what is no model, and for a file that is too short; NOT_FOUND; STORE_FAILED
 */
export async function* onnxFilePieces(given: string | URL): AsyncGenerator<Uint8Array> {
  const checked = checkFilePath('onnxModel', given);
  const path = checked instanceof URL ? fileURLToPath(checked) : checked;
  const { size } = await statOf(path, path);
  for (const [name, byteLength] of yield* passedOn(path, filePieces(path, size))) {
    const file = join(dirname(path), name);
    const { size: found } = await statOf(file, `${path} has tensors in ${shown(name)}, and ${shown(file)}`);
    if (found < byteLength)
      throw invalid(`${shown(file)} has ${found} bytes, and tensors of ${basename(path)} in its first ${byteLength}: it is cut short; copy it anew`); // prettier-ignore
    yield* headOf(name, found);
    yield* filePieces(file, found);
  }
}

/** Passes pieces on, and returns which files they need beside those that they have. */
async function* passedOn(
  what: string,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, [string, number][]> {
  const reader = new OnnxReader((problem) => {
    throw invalid(`${what} ${problem}; ${CURE}`);
  });
  for await (const piece of pieces) {
    reader.push(piece);
    yield piece;
  }
  const { needed, kept } = reader.end();
  return [...needed].filter(([path]) => !kept.has(path));
}

async function statOf(path: string, what: string): Promise<Stats> {
  return stat(path).catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'ENOENT' ? 'NOT_FOUND' : 'STORE_FAILED';
    throw new DataRefError(code, `onnxModel: ${what} cannot be read (${cause.code})`, { cause });
  });
}

/** As many bytes as a file was found to have. */
async function* filePieces(path: string, byteLength: number): AsyncGenerator<Uint8Array> {
  if (byteLength === 0) return;
  let read = 0;
  try {
    for await (const piece of createReadStream(path, { end: byteLength - 1, highWaterMark: PIECE_BYTES })) {
      read += (piece as Uint8Array).length;
      yield piece as Uint8Array;
    }
  } catch (cause) {
    throw new DataRefError('STORE_FAILED', `onnxModel: ${path} cannot be read: ${String(cause)}`, { cause });
  }
  if (read < byteLength)
    throw new DataRefError('STORE_FAILED', `onnxModel: ${path} was cut short to ${read} bytes while it was read`);
}

/** What stands before the bytes of a file, as a field of the model. */
function headOf(path: string, byteLength: number): Uint8Array[] {
  const name = new TextEncoder().encode(path);
  const inner = [...field(FILE.path, name.length), ...name, ...field(FILE.bytes, byteLength)];
  return [Uint8Array.from([...field(FILE_FIELD, inner.length + byteLength), ...inner])];
}

function field(number: number, length: number): number[] {
  return [...varint(number * 8 + LENGTH_DELIMITED), ...varint(length)];
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 + (value % 0x80), ...varint(Math.floor(value / 0x80))];
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `onnxModel: ${message}`);
}
