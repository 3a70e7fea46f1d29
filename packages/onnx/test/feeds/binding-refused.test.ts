import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords, ndarray } from '@dataref/core';
import '@dataref/onnx';
import { toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { input, modelOf, type Value } from './tiny-model.js';

const data = fromColumns({
  image: ndarray(new Uint8Array(8 * 4), [8, 2, 2]),
  label: new BigInt64Array(8),
  weight: new Float64Array(8),
  list: { first: new Float64Array(8), second: new Float64Array(8) },
});
const batches = () => data.stream().batch(4);
const bind = (inputs: readonly Value[], options: object = {}, outputs: readonly string[] = []) => {
  const stream = batches() as any;
  return stream.toOrtFeeds({ session: modelOf(inputs, outputs), ort, ...options });
};
const image = input('image', 'uint8', ['N', 2, 2]);
const x = input('x', 'uint8', ['N', 2, 2]);

/** Each with the input that the error must name. */
const refused: readonly (readonly [string, readonly Value[], object, RegExp, string?])[] = [
  ['an unknown name in inputs', [x], { inputs: { X: 'image' } }, /no such input; it has x; did you mean "x"\?/u, 'X'],
  ['a name that objects have', [input('__proto__', 'uint8', ['N', 2, 2])], { inputs: Object.fromEntries([['__proto__', 'image']]) }, /feeds cannot have that name/u, '__proto__'],
  ['an unknown column', [x], { inputs: { x: 'imagee' } }, /inputs\.x: no column "imagee".*did you mean "image"\?/u, 'x'],
  ['an input without a column', [image, input('labels', 'int64', ['N'])], {}, /no column for input labels.*did you mean "label"\?.*inputs: \{ image: 'image', labels: '…' \}/u, 'labels'],
  ['a mask that is no input of columns', [image, input('mask', 'float32', ['N'])], {}, /maskInput: 'mask'/u, 'mask'],
  ['an unknown mask', [image], { maskInput: 'imag' }, /maskInput: .*did you mean "image"/u, 'imag'],
  ['a mask of another kind', [image, input('mask', 'int32', ['N'])], { maskInput: 'mask' }, /float32\[N\] or bool\[N\], and it is int32\[N\]/u, 'mask'],
  ['a mask in inputs', [x, input('m', 'bool', ['N'])], { maskInput: 'm', inputs: { x: 'image', m: 'label' } }, /leave it out of inputs/u, 'm'],
  ['a narrower dtype', [input('label', 'int32', ['N'])], {}, /cannot hold every int64 of column label: .*Cast.*\{ column: 'label', dtype: 'int32' \}/u, 'label'],
  ['floats for integers', [input('y', 'int32', ['N'])], { inputs: { y: 'weight' } }, /cannot hold every float64.*no schema says otherwise/u, 'y'],
  ['no column of the name', [x], { inputs: { x: 'x' } }, /no column "x".*inputs: \{ x: '…' \}/u, 'x'],
  ['a vector given as a list', [input('v', 'float32', ['N', 2])], { inputs: { v: 'list' } }, /no column "list".*several columns, such as list\.first: .*Float32Array/u, 'v'],
  ['another dtype than the model’s', [x], { inputs: { x: { column: 'image', dtype: 'float32' } } }, /takes uint8, and dtype asks for float32: leave dtype out/u, 'x'],
  ['a scale for integers', [x], { inputs: { x: { column: 'image', scale: 2 } } }, /scale needs dtype float32/u, 'x'],
  ['another rank', [input('image', 'uint8', ['N', 4])], {}, /takes uint8\[N, 4\], and image comes with 3 dimensions, \[rows, 2, 2\]/u, 'image'],
  ['another fixed dimension', [input('image', 'uint8', ['N', 2, 3])], {}, /has 2 along axis 2 instead of 3/u, 'image'],
  ['a name of two sizes', [image, input('z', 'uint8', ['N', 'N', ''])], { inputs: { image: 'image', z: 'image' } }, /N would be the rows of a batch.* and 2 for this one/u, 'z'],
  ['another fixed batch', [input('image', 'uint8', [1, 2, 2])], {}, /batches have 4 rows: stream\.batch\(1, /u, 'image'],
  ['a scalar', [input('image', 'uint8', [])], {}, /add scalars to the feeds yourself/u, 'image'],
  ['strings for numbers', [input('image', 'string', ['N', 2, 2])], {}, /it takes string, and column image is uint8/u, 'image'],
  ['nothing bound', [input('lr', 'float32', [])], {}, /no input of the model has a column of its name/u],
  ['no specification', [x], { inputs: {} }, /name at least one/u],
  ['a specification that is none', [x], { inputs: { x: { column: 'image', scael: 1 } } }, /inputs\.x: unknown "scael"/u],
  ['a list', [x], { inputs: ['image'] }, /must be an object/u],
  ['an unknown option', [image], { reuse: true }, /unknown option "reuse"; there are session, ort, inputs, maskInput/u],
  ['no onnxruntime', [image], { ort: {} }, /import \* as ort from 'onnxruntime-node'/u],
  ['no session', [image], { session: {} }, /InferenceSession with inputMetadata/u],
]; // prettier-ignore

describe('refused when it is bound', () => {
  test.each(refused.map((row) => [row[0], row] as const))('%s', (_, [, inputs, options, message, named]) => {
    const details = named === undefined ? {} : { details: expect.objectContaining({ input: named }) };
    expect(() => bind(inputs, options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message), ...details }),
    );
  });

  test('bytes and ragged columns, with what to do', async () => {
    const records = await fromRecords([{ file: Uint8Array.of(1), tokens: ndarray(Int32Array.of(1), [1]) }], {
      schema: { file: field('bytes'), tokens: field('int32', [null]) },
    });
    const session = modelOf([input('x', 'int32', ['N', 'L'])]);
    const feeds = (column: string, ragged: 'list' | 'pad', of = session) =>
      toOrtFeeds(records.stream().batch(1, { ragged }) as any, { session: of, ort, inputs: { x: column } });
    expect(() => feeds('file', 'list')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', details: { input: 'x', column: 'file' } }),
    );
    expect(() => feeds('tokens', 'list')).toThrow(
      expect.objectContaining({ code: 'RAGGED', message: expect.stringContaining("ragged: 'pad'") }),
    );
    expect(() => feeds('tokens', 'pad')).not.toThrow();
    expect(() => feeds('tokens', 'pad', modelOf([input('x', 'int32', ['N', 8])]))).toThrow(/pad to 8 with map/u);
  });

  test('a stream of records, whose method says that feeds need batches', () => {
    const stream = data.stream() as any;
    expect(() => stream.toOrtFeeds({ session: modelOf([image]), ort })).toThrow(/stream\(\)\.batch\(32\)\.toOrtFeeds/u);
  });
});

describe('inputs without a column', () => {
  const step = [
    image,
    input('lr', 'float32', []),
    input('W', 'float32', ['', 10]),
    input('adam.step', 'float32', []),
    input('table', 'float32', [784, 10]),
  ];

  test('may be scalars, the state of a training step, and what is no batch', async () => {
    for await (const { feeds } of bind(step, {}, ['loss', 'W.out', 'adam.step.out'])) {
      expect(Object.keys(feeds)).toEqual(['image']);
    }
  });

  test('may be the parameters whose gradients a graph gives, which learns from no padding either', async () => {
    for await (const { feeds } of bind(step.slice(0, 3), {}, ['loss', 'W.grad']))
      expect(Object.keys(feeds)).toEqual(['image']);
    const padded = data.stream().batch(3, { remainder: 'pad' });
    const session = modelOf(step.slice(0, 3), ['loss', 'W.grad']);
    expect(() => toOrtFeeds(padded, { session, ort })).toThrow(/pads its last batch, and the model trains \(W is/u);
  });

  test('are the caller’s where inputs says what is fed', async () => {
    for await (const { feeds } of bind([...step, x], { inputs: { x: 'image' } }))
      expect(Object.keys(feeds)).toEqual(['x']);
  });
});

test('conversions that are asked for are made, and values that do not fit are refused', async () => {
  const numbers = fromColumns({ n: Float64Array.of(0, 1, 2.5) });
  const feeds = (spec: object, type: Value['type'], shape: Value['shape'] = ['N']) =>
    numbers
      .stream()
      .batch(2)
      .toOrtFeeds({ session: modelOf([input('x', type, shape)]), ort, inputs: { x: { column: 'n', ...spec } } });
  const first = async (made: ReturnType<typeof feeds>) => {
    for await (const { feeds: { x: tensor } } of made) return [tensor!.type, ...tensor!.dims, ...(tensor!.data as Float32Array)]; // prettier-ignore
    return undefined;
  };
  expect(await first(feeds({ scale: 2 }, 'float32'))).toEqual(['float32', 2, 0, 2]);
  expect(await first(feeds({ oneHot: 3 }, 'int64', ['N', 3]))).toEqual(['int64', 2, 3, 1n, 0n, 0n, 0n, 1n, 0n]);
  const narrowed = feeds({ dtype: 'int32' }, 'int32');
  expect(await first(narrowed)).toEqual(['int32', 2, 0, 1]);
  await expect(first(narrowed.skip(1))).rejects.toMatchObject({ code: 'LOSSY_CAST', details: { index: 2 } });
});

test('where only a map tells the schema, binding fails with the first batch, which is not lost', async () => {
  const mapped = data.stream().map(({ label }) => ({ y: Number(label) })).batch(4); // prettier-ignore
  const feeds = toOrtFeeds(mapped as any, { session: modelOf([input('y', 'int32', ['N'])]), ort });
  const iterate = async () => {
    for await (const _ of feeds);
  };
  const { state } = feeds;
  await expect(iterate()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { input: 'y', column: 'y' } });
  expect(feeds.state).toEqual(state);
});
