import { field, fromRecords, ndarray, type DataRef } from '@dataref/core';

const NUMBERS = ['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32', 'float32', 'float64'] as const;

/** Records of every dtype, as scalars, vectors, tensors, ragged ones, and within other records. */
export async function everyDType(length: number): Promise<DataRef> {
  const schema = {
    ...Object.fromEntries(NUMBERS.map((dtype) => [dtype, field(dtype)])),
    bool: field('bool'),
    int64: field('int64'),
    uint64: field('uint64'),
    float16: field('float16'),
    string: field('string'),
    bytes: field('bytes'),
    vector: field('float32', [3]),
    flags: field('bool', [2]),
    halves: field('float16', [2]),
    tensor: field('int16', [2, 2]),
    ragged: field('int32', [null]),
    within: { a: field('uint8'), deeper: { s: field('string') } },
  };
  const records = Array.from({ length }, (_, i) => ({
    ...Object.fromEntries(NUMBERS.map((dtype, at) => [dtype, (i * (at + 3)) % 100])),
    bool: i % 3 === 0,
    int64: BigInt(i) * -9_007_199_254_740_993n,
    uint64: 2n ** 64n - 1n - BigInt(i),
    float16: i / 4,
    string: ['', 'ä', `text ${i}`][i % 3],
    bytes: Uint8Array.from({ length: i % 4 }, () => i),
    vector: Float32Array.of(i, 0.5, -i),
    flags: [i % 2 === 0, i % 3 === 0],
    halves: [0.5, i],
    tensor: ndarray(Int16Array.of(i, 1, 2, -i), [2, 2]),
    ragged: Int32Array.from({ length: i % 3 }, (__, at) => at * i),
    within: { a: i % 256, deeper: { s: `s${i}` } },
  }));
  const made: unknown = await fromRecords(records as any, { schema: schema as any });
  return made as DataRef;
}
