import { expect, test } from '@jest/globals';
import { field, fromColumns, type DataRef } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { onnxModel, openCatalog, type Table } from '@dataref/catalog';
import type * as node from 'onnxruntime-node';

test('a table has the types of what was saved, and of the schema that it is loaded with', async () => {
  const catalog = openCatalog(new ObjectStorage(new MemoryStore()));
  const schema = { text: field('string'), ids: field('int32', [null]) };
  const saved = await catalog.save('a', [{ text: 'x', ids: Int32Array.of(1) }], { schema });
  const text: string = (await saved.at(0)).text;
  const loaded = await catalog.load('a', { schema });
  const ids: Int32Array = (await loaded.at(0)).ids.data;
  const plain: Table = await catalog.load('a');
  const asDataRef: DataRef = plain;
  const typed = await catalog.save('b', fromColumns({ x: Float32Array.of(1) }));
  const x: number = (await typed.at(0)).x;
  const inferred = await catalog.save('c', [{ n: 1 }], { partitionBy: ['n'] });
  const some = await inferred.where(({ n }) => n > 0, { columns: ['n'] });
  const n: number = (await some.at(0)).n;
  // @ts-expect-error -- there is no such column
  void (await typed.at(0)).y;
  expect([text, ids.length, asDataRef.length, x, n]).toEqual(['x', 1, 1, 1, 1]);
});

test('a session has the type of the onnxruntime that makes it', async () => {
  const model = onnxModel(openCatalog(new ObjectStorage(new MemoryStore())), 'none');
  const ort = { InferenceSession: { create: async (_: Uint8Array, options?: { fast: boolean }) => ({ options }) } };
  const ofIts: () => Promise<{ options: { fast: boolean } | undefined }> = () =>
    model.load({ ort, sessionOptions: { fast: true } });
  const installed: () => Promise<node.InferenceSession> = () =>
    model.load({ sessionOptions: { intraOpNumThreads: 1 } });
  // @ts-expect-error -- there is no such option
  const mistaken = (): unknown => model.load({ sessionOptions: { intraOpNumThread: 1 } });
  for (const load of [ofIts, installed, mistaken]) await expect(load()).rejects.toThrow(/no "none"/u);
});
