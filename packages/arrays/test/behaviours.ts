import { expect } from '@jest/globals';
import { ndarray } from '@dataref/core';
import { slice, type Arrays, type NodeInfo } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';

const SMALL = { shape: [6, 4], chunk: [4, 3], dtype: 'int32' } as const;

/** What holds in every storage. */
export const behaviours: readonly { readonly name: string; readonly run: (arrays: Arrays) => Promise<void> }[] = [
  {
    name: 'a name is taken until it is deleted, or replaced by an array with nothing in it',
    run: async (arrays) => {
      const first = await arrays.array('a/b', SMALL);
      await first.set([], 7);
      await expect(arrays.array('a/b', SMALL)).rejects.toThrow(failure('ALREADY_EXISTS', /ifExists: 'replace'/u));
      expect(await first.get([5, 3])).toBe(7);
      for (const dtype of ['uint8', 'float64', 'bool'] as const) {
        const next = await arrays.array('a/b', { shape: [5], chunk: [2], dtype, ifExists: 'replace' });
        expect([next.dtype, Array.from((await next.get([])).data, Number)]).toEqual([dtype, [0, 0, 0, 0, 0]]);
        await next.set([], true);
        expect(Number(await (await arrays.openArray('a/b')).get([4]))).toBe(1);
      }
      expect([await arrays.has('a/b'), await arrays.delete('a/b'), await arrays.delete('a/b')]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await arrays.has('a/b')).toBe(false);
      await expect(arrays.openArray('a/b')).rejects.toThrow(failure('NOT_FOUND', /"a\/b"/u));
      expect(await (await arrays.array('a/b', SMALL)).get([0, 0])).toBe(0);
    },
  },
  {
    name: 'names of any kind are kept apart, and listed in order',
    run: async (arrays) => {
      const names = [
        'con',
        'z/NUL.txt',
        'a b',
        'a:b',
        'ä/ö',
        'dots.',
        '..a',
        'zarr.json',
        '__x',
        'c/0/0',
        '%41',
        '.zgroup',
      ];
      for (const name of names) await (await arrays.array(name, SMALL)).set([0, 0], names.indexOf(name) + 1);
      for (const name of names)
        expect([name, await (await arrays.openArray(name)).get([0, 0])]).toEqual([name, names.indexOf(name) + 1]);
      const { input } = { input: await arrays.openArray('con') };
      await arrays.dataset('z', { input, 'a:b': 'a:b' });
      const listed: NodeInfo[] = [];
      for await (const info of arrays.list()) listed.push(info);
      const found = listed.map(({ name, kind }) => `${kind} ${name}`).sort();
      expect(found).toEqual([...names.map((name) => `array ${name}`), 'dataset z'].sort());
    },
  },
  {
    name: 'a name that would be one with another, or within an array, is refused',
    run: async (arrays) => {
      await arrays.array('Mnist/train', SMALL);
      await expect(arrays.array('mnist/test', SMALL)).rejects.toThrow(failure('INVALID_ID', /"Mnist".*case alone/u));
      await expect(arrays.array('Mnist/Train', SMALL)).rejects.toThrow(failure('INVALID_ID', /"Mnist\/train"/u));
      await expect(arrays.array('Mnist/train/x', SMALL)).rejects.toThrow(
        failure('INVALID_ID', /"Mnist\/train" is an array/u),
      );
      await expect(arrays.array('Mnist', SMALL)).rejects.toThrow(failure('INVALID_ID', /others in it/u));
      await expect(arrays.dataset('mnist', { x: 'Mnist/train' })).rejects.toThrow(failure('INVALID_ID', /case alone/u));
    },
  },
  {
    name: 'those who write to parts of one chunk at once all have written to it',
    run: async (arrays) => {
      const array = await arrays.array('shared', { shape: [64], chunk: [64], dtype: 'int32' });
      const other = await arrays.openArray('shared');
      await Promise.all(Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? array : other).set([i], i + 1)));
      expect(Array.from((await array.get([])).data)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    },
  },
  {
    name: 'those who append at once get places of their own, also in one chunk, beside writers of whole chunks',
    run: async (arrays) => {
      const { shape, chunk } = { shape: [3, 2], chunk: [4, 2] };
      await arrays.array('log', { shape, chunk, dtype: 'int32' });
      const old = await arrays.openArray('log');
      const places = await Promise.all(
        Array.from({ length: 9 }, async (_, i) => {
          if (i === 4) await old.set([], 100); // it knows of 3 places only
          return (await arrays.openArray('log')).append(ndarray(Int32Array.of(i, i, -i, -i), [2, 2]));
        }),
      );
      const all = await (await arrays.openArray('log')).get([]);
      expect(all).toMatchObject({ shape: [21, 2] });
      const values = (all as { readonly data: Int32Array }).data;
      expect(Array.from(values.subarray(0, 6))).toEqual([100, 100, 100, 100, 100, 100]);
      expect([...places].sort((a, b) => a - b)).toEqual([3, 5, 7, 9, 11, 13, 15, 17, 19]);
      places.forEach((place, i) =>
        expect(Array.from(values.subarray(2 * place, 2 * place + 4))).toEqual([i, i, 0 - i, 0 - i]),
      );
    },
  },
  {
    name: 'what is cut off does not come back',
    run: async (arrays) => {
      const array = await arrays.array('cut', { ...SMALL, shape: [9, 4] });
      await array.set([], 5);
      await array.resize([5, 2]);
      await array.resize([9, 4]);
      const kept = Array.from({ length: 9 }, (_, i) => Array.from({ length: 4 }, (__, j) => (i < 5 && j < 2 ? 5 : 0)));
      expect(Array.from((await array.get([])).data)).toEqual(kept.flat());
      await array.resize(0);
      await array.resize(2);
      expect(Array.from(((await (await arrays.openArray('cut')).get([])) as { data: Int32Array }).data)).toEqual(
        Array(8).fill(0),
      );
    },
  },
  {
    name: 'records with shapes of their own are appended and resized with them',
    run: async (arrays) => {
      const array = await arrays.array('ragged', { shape: [2, 3, 3], chunk: [2, 3, 3], dtype: 'uint8', recordAxes: 1 });
      await array.shapes?.set([0], [1, 2]);
      await array.append(ndarray(new Uint8Array(9).fill(9), [1, 3, 3]));
      expect([await array.shapeOf(0), await array.shapeOf(2), array.shapes?.shape]).toEqual([
        [1, 2],
        [3, 3],
        [3, 2],
      ]);
      await array.resize(1);
      await array.resize([4, 3, 2]);
      expect([await array.shapeOf(0), await array.shapeOf(-1), (await array.get([0])).shape]).toEqual([
        [1, 2],
        [3, 2],
        [1, 2],
      ]);
      const next = await arrays.array('ragged', {
        shape: [2, 3, 3],
        chunk: [2, 3, 3],
        dtype: 'uint8',
        recordAxes: 1,
        ifExists: 'replace',
      });
      expect(await next.shapeOf(0)).toEqual([3, 3]);
    },
  },
  {
    name: 'a value that does not go in leaves everything as it was',
    run: async (arrays) => {
      const array = await arrays.array('firm', { ...SMALL, dtype: 'uint8' });
      await array.set([], 1);
      await expect(array.set([slice(0, 1)], ndarray(new Uint8Array(8), [2, 4]))).rejects.toThrow(
        failure('INVALID_ARGUMENT', /\[2, 4\].*\[1, 4\]/u),
      );
      await expect(array.set([], 256)).rejects.toThrow(failure('LOSSY_CAST', /256/u));
      await expect(array.append([[1, 2, 3, 300]])).rejects.toThrow(failure('LOSSY_CAST', /300/u));
      await expect(array.append(ndarray(new Uint8Array(3), [3]))).rejects.toThrow(
        failure('INVALID_ARGUMENT', /\[n, 4\]/u),
      );
      await expect(array.append(new Uint8Array(7))).rejects.toThrow(failure('INVALID_ARGUMENT', /7 values/u));
      await expect(array.resize([1])).rejects.toThrow(failure('INVALID_ARGUMENT', /as many axes/u));
      await expect(array.get([9])).rejects.toThrow(failure('OUT_OF_RANGE', /9/u));
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(array.set([], 2, { signal: aborted })).rejects.toThrow('enough');
      expect([array.shape, Array.from((await array.get([])).data)]).toEqual([[6, 4], Array(24).fill(1)]);
      await array.set([], 256, { cast: true });
      expect(await array.get([0, 0])).toBe(0);
    },
  },
  {
    name: 'a dataset has arrays of one length, keeps its composition, and leaves the arrays when it is deleted',
    run: async (arrays) => {
      const x = await arrays.array('x', SMALL);
      const y = await arrays.array('y', { ...SMALL, shape: [5, 4] });
      await expect(arrays.dataset('xy', { x, y })).rejects.toThrow(
        failure('INVALID_ARGUMENT', /x \[6, 4\], y \[5, 4\]/u),
      );
      await expect(arrays.dataset('xy', {})).rejects.toThrow(failure('INVALID_ARGUMENT', /at least one/u));
      await expect(arrays.dataset('xy', { x: 'no' })).rejects.toThrow(failure('NOT_FOUND', /"no"/u));
      await expect(arrays.dataset('x', { x })).rejects.toThrow(failure('ALREADY_EXISTS', /an array/u));
      await y.append([[1, 2, 3, 4]]);
      await arrays.dataset('xy', { x, y });
      expect((await arrays.dataset('xy', { x, y: 'y' })).length).toBe(6);
      await expect(arrays.dataset('xy', { x })).rejects.toThrow(failure('ALREADY_EXISTS', /other components/u));
      expect(Object.keys((await arrays.dataset('xy', { x }, { ifExists: 'replace' })).arrays)).toEqual(['x']);
      await expect(arrays.openArray('xy')).rejects.toThrow(failure('INVALID_ARGUMENT', /openDataset/u));
      await expect(arrays.openDataset('x')).rejects.toThrow(failure('INVALID_ARGUMENT', /openArray/u));
      expect([await arrays.delete('xy'), await arrays.has('xy'), await arrays.has('x')]).toEqual([true, false, true]);
    },
  },
];
