import fs from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '@dataref/core';

/** The raw files of a workload: whole columns, and single records to compare with. */
export function openRaw(workload, folder) {
  const { recordBytes, records } = workload;
  const file = fs.openSync(join(folder, 'x.bin'));
  const offsets =
    workload.dtype === 'bytes'
      ? Float64Array.from(new BigInt64Array(load(join(folder, 'off.bin'))), Number)
      : undefined;
  const start = (i) => (offsets === undefined ? i * recordBytes : offsets[i]);
  const bytesOf = (i) => {
    const bytes = new Uint8Array(start(i + 1) - start(i));
    fs.readSync(file, bytes, 0, bytes.length, start(i));
    return bytes;
  };
  return {
    /** Of all payloads and labels. */
    byteLength: start(records) + (workload.name === 'w3' ? 0 : 8 * records),
    offsets,
    bytesOf,
    /** The payloads, one after another. */
    payload: () => new ARRAYS[workload.dtype](load(join(folder, 'x.bin'))),
    labels: () => new BigInt64Array(load(join(folder, 'y.bin'))),
    /** Records in turn, as `submit` takes them. */
    *records() {
      for (let i = 0; i < records; i++) {
        const bytes = bytesOf(i);
        const x =
          workload.dtype === 'bytes' ? bytes : ndarray(new ARRAYS[workload.dtype](bytes.buffer), workload.shape);
        yield workload.name === 'w3' ? { x } : { x, y: BigInt(i) };
      }
    },
  };
}

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array, bytes: Uint8Array };

function load(path) {
  const { size } = fs.statSync(path);
  const buffer = new ArrayBuffer(size);
  const file = fs.openSync(path);
  for (let done = 0; done < size;)
    done += fs.readSync(file, new Uint8Array(buffer), done, Math.min(2 ** 30, size - done), done);
  fs.closeSync(file);
  return buffer;
}

/**
 * Reads an epoch and compares every byte with the raw files.
 * @throws Error where a record is wrong, missing, or there twice, or its label or index is not its number
 */
export async function verifyEpoch(workload, raw, batches) {
  const seen = new Uint8Array(workload.records);
  for await (const batch of batches) {
    const { x, y } = batch.columns;
    for (let row = 0; row < batch.length; row++) {
      const i = batch.indices[row];
      if (seen[i]++ > 0) throw new Error(`${workload.name}: record ${i} came twice`);
      if (y !== undefined && Number(y.data[row]) !== i)
        throw new Error(`${workload.name}: the label of ${i} is ${y.data[row]}`);
      const got = Array.isArray(x) ? x[row] : rowBytes(x.data, row, workload.recordBytes);
      if (Buffer.compare(got, raw.bytesOf(i)) !== 0)
        throw new Error(`${workload.name}: record ${i} is not what was stored`);
    }
  }
  if (seen.includes(0)) throw new Error(`${workload.name}: record ${seen.indexOf(0)} never came`);
}

const rowBytes = (data, row, byteLength) => new Uint8Array(data.buffer, data.byteOffset + row * byteLength, byteLength);
