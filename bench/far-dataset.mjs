// The dataset of the benches that count what reading from afar asks for: records of 10 KiB, each of which says which it is.
import { randomFillSync } from 'node:crypto';
import { field, ndarray } from '@dataref/core';

export const RECORD_BYTES = 10 * 1024;
export const BATCH = 128;
/** Two of some sixteen parts at a time. */
const BY_PARTS = { shuffle: true, shuffleSeed: 1, shuffleAlgorithm: 'parts', shuffleWindow: 2 };
export const ORDERS = {
  sequential: {},
  numpy: { shuffle: true, shuffleSeed: 1, shuffleAlgorithm: 'numpy' },
  parts: BY_PARTS,
};

/** Stores far@1 with `count` records, where it is not there yet. */
export async function store(storage, count) {
  if (await storage.has('far', '1')) return;
  const schema = { x: field('uint8', [RECORD_BYTES]), label: field('int32') };
  function* records() {
    const bytes = randomFillSync(new Uint8Array(RECORD_BYTES));
    for (let i = 0; i < count; i++) {
      new DataView(bytes.buffer).setUint32(0, i);
      yield { x: ndarray(bytes.slice(), [RECORD_BYTES]), label: i };
    }
  }
  await storage.submit(records(), 'far', '1', { schema });
}

/** @throws where records are missing, or wrong ones came */
export async function readEpoch(stream, count) {
  let records = 0;
  for await (const batch of stream.batch(BATCH)) records += check(batch);
  if (records !== count) throw new Error(`${records} records, expected ${count}`);
}

/** @returns the number of records, each of which says which it is */
export function check({ columns: { x, label }, indices, length }) {
  const view = new DataView(x.data.buffer, x.data.byteOffset);
  for (let i = 0; i < length; i++) {
    if (view.getUint32(i * RECORD_BYTES) !== indices[i] || label.data[i] !== indices[i])
      throw new Error('a wrong record');
  }
  return length;
}
