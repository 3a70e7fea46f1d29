// node windows.mjs TOKENS MODE: epochs of shuffled windows over a token file with their labels, in batches, by ours with all
// that belongs to a stream, or by copying the same windows out of an array of tokens and nothing else.
import fs from 'node:fs';
import { serve } from '../serve.mjs';
// Windows over a file that is no cache are not public.
import { windows } from '../../packages/text/dist/windows/token-files.js';
import { parseNpyHeader, TOKEN_DTYPES } from '../../packages/text/dist/npy/header.js';

const [file, mode] = process.argv.slice(2);
const SIZE = 1024;
const BATCH = 16;
const [what, how] = mode.split(' ');

const bytes = fs.readFileSync(file);
const { byteOffset, length } = parseNpyHeader(bytes.subarray(0, 4096), bytes.length, file, TOKEN_DTYPES);
const tokens = new Uint16Array(bytes.buffer.slice(bytes.byteOffset + byteOffset, bytes.byteOffset + bytes.length));
const count = Math.floor((length - 1) / SIZE);
let sink = 0;

/** Holds a batch against the tokens, as bytes. */
function check({ inputs, labels }, starts) {
  for (const [{ data }, shift] of [
    [inputs, 0],
    [labels, 1],
  ]) {
    const rowBytes = SIZE * data.BYTES_PER_ELEMENT;
    const got = Buffer.from(data.buffer, data.byteOffset, starts.length * rowBytes);
    starts.forEach((start, row) => {
      const ids = Int32Array.from(tokens.subarray(start + shift, start + shift + SIZE));
      const wanted = how === 'int64' ? BigInt64Array.from(ids, BigInt) : ids;
      if (got.compare(Buffer.from(wanted.buffer), 0, rowBytes, row * rowBytes, (row + 1) * rowBytes) !== 0)
        throw new Error(`${mode} read other tokens of the window at ${start}`);
    });
  }
}

async function ours() {
  const data = await windows(file, {
    sequenceLength: SIZE,
    fingerprint: 'bench',
    dtype: how === 'int64' ? 'int64' : 'int32',
    useSharedMemory: how === 'shared',
    memoryLimitBytes: how === 'position' ? 0 : undefined,
  });
  const batches = data.stream({ shuffle: true, shuffleSeed: 7 }).batch(BATCH, { reuse: how !== 'fresh' });
  return async (look) => {
    let seen = 0;
    for await (const { columns, indices, length: rows } of batches) {
      look?.(
        columns,
        Array.from(indices, (index) => index * SIZE),
      );
      sink += Number(columns.labels.data[5]);
      seen += rows;
    }
    return seen;
  };
}

async function bare() {
  // Any order will do; it is not counted.
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  const memory = () => new Int32Array(Buffer.allocUnsafeSlow(4 * BATCH * SIZE).buffer);
  const kept = [memory(), memory()];
  return async (look) => {
    for (let first = 0; first < count; first += BATCH) {
      const rows = Math.min(BATCH, count - first);
      const [inputs, labels] = how === 'fresh' ? [memory(), memory()] : kept;
      for (let row = 0; row < rows; row++) {
        const start = order[first + row] * SIZE;
        inputs.set(tokens.subarray(start, start + SIZE), row * SIZE);
        labels.set(tokens.subarray(start + 1, start + 1 + SIZE), row * SIZE);
      }
      look?.(
        { inputs: { data: inputs }, labels: { data: labels } },
        Array.from(order.subarray(first, first + rows), (index) => index * SIZE),
      );
      sink += labels[5];
    }
    return count;
  };
}

const run = await (what === 'ours' ? ours() : bare());
await run(check);
await serve(
  async () => {
    const seen = await run();
    if (seen !== count) throw new Error(`an epoch had ${seen} windows`);
  },
  { verified: true },
);
if (Number.isNaN(sink)) throw new Error('nothing was read');
