import { expect, test } from '@jest/globals';
import { fromRecords, ndarray } from '@dataref/core';

test('an ndarray without dimensions is a scalar that keeps its dtype', async () => {
  const dataset = await fromRecords([
    { loss: ndarray(Float32Array.of(0.5), []), hit: ndarray(Uint8Array.of(1), [], 'bool') },
    { loss: ndarray(Float32Array.of(0.25), []), hit: ndarray(Uint8Array.of(0), [], 'bool') },
  ]);
  expect(dataset.schema).toEqual({ loss: { dtype: 'float32', shape: [] }, hit: { dtype: 'bool', shape: [] } });
  expect(await dataset.at(1)).toEqual({ loss: 0.25, hit: false });
});

test('of another dtype than the schema says it is refused', async () => {
  const records = [ndarray(Float32Array.of(1), []), ndarray(Int32Array.of(1), [])] as never[];
  await expect(fromRecords(records)).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH', details: { index: 1 } });
});
