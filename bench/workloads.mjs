/**
 * The four workloads, at full size or a fraction of it. `x` is the payload, `y` an int64 label that is the record's own
 * number; W3 has no label, its first two tokens hold the number (low 16 bits, high 16 bits).
 */
const FULL = {
  w1: { records: 60_000, batch: 128, dtype: 'uint8', shape: [28, 28] },
  w2: { records: 20_000, batch: 128, dtype: 'bytes', least: 2048, most: 12_288 },
  w3: { records: 97_656, batch: 16, dtype: 'uint16', shape: [1025], stride: 1024 },
  w4: { records: 50_000, batch: 64, dtype: 'float32', shape: [3, 64, 64] },
};

export const WORKLOADS = Object.keys(FULL);
export const SEED = 7;

const ELEMENT_BYTES = { uint8: 1, uint16: 2, float32: 4, bytes: 1 };

/** @param scale 0 to 1, of the number of records */
export function workload(name, scale) {
  const { records, ...rest } = FULL[name];
  const count = Math.max(2 * rest.batch, Math.round(records * scale));
  const recordBytes = rest.shape?.reduce((product, size) => product * size, ELEMENT_BYTES[rest.dtype]);
  return { name, ...rest, records: count, recordBytes };
}
