import { ndarray } from '@dataref/core';
import {
  adam,
  adamW,
  averagePool2d,
  conv2d,
  dense,
  flatten,
  maxPool2d,
  meanSquaredError,
  relu,
  reshape,
  sequential,
  sgd,
  softmaxCrossEntropy,
  type SequentialOptions,
} from '@dataref/onnx/graph';
import { expect, test } from '@jest/globals';

const GOOD: SequentialOptions = {
  input: { name: 'image', dtype: 'uint8', shape: [28, 28] },
  layers: [flatten(), dense(10)],
  loss: softmaxCrossEntropy({ labels: 'label', mask: 'mask' }),
  optimizer: sgd(),
};
const building = (options: object) => () => sequential({ ...GOOD, ...options });

const MISTAKES: [string, () => unknown, RegExp][] = [
  [
    'dense over images',
    building({ layers: [dense(10)] }),
    /layer dense1: expected rows of one dimension, \[inputs\], got \[28, 28\]; put flatten\(\)/,
  ],
  [
    'conv2d over a grey image',
    building({ layers: [flatten(), reshape([28, 28]), conv2d(3, 3, { name: 'look' })] }),
    /layer look: expected rows of three dimensions.*got \[28, 28\]; put reshape\(\[1, 28, 28\]\)/,
  ],
  [
    'a window larger than the image',
    building({ layers: [reshape([1, 28, 28]), maxPool2d(16), conv2d(1, 2)] }),
    /layer conv1: expected images of at least its window, \[2, 2\], got \[1, 1, 1\]/,
  ],
  [
    'reshaping to other sizes',
    building({ layers: [reshape([1, 28])] }),
    /layer reshape1: expected rows of 28 elements, for \[1, 28\], got \[28, 28\]; that is 784/,
  ],
  [
    'classes of more dimensions',
    building({ layers: [reshape([1, 28, 28]), conv2d(2, 3)] }),
    /softmaxCrossEntropy: expected rows of one dimension, \[classes\], got \[2, 26, 26\]/,
  ],
  [
    'targets of other sizes',
    building({ loss: meanSquaredError({ targets: 'y', shape: [3] }) }),
    /expected targets of as many elements as the output \[10\], got the shape \[3\]/,
  ],
  ['nothing to train', building({ layers: [flatten()] }), /no layer has parameters/],
  [
    'a list of layers for options',
    () => sequential([dense(10)] as never),
    /sequential: options must be an object, got an array/,
  ],
  [
    'a shape for the input',
    building({ input: [28, 28] }),
    /sequential: input: options must be an object, got an array/,
  ],
  [
    'images whose channels come last',
    building({ input: { name: 'image', shape: [28, 28, 1] }, layers: [conv2d(8, 3)] }),
    /got \[28, 28, 1\].*Images are \[channels, height, width\]/,
  ],
  ['no layers', building({ layers: undefined }), /layers must be a list/],
  [
    'a function for a layer',
    building({ layers: [flatten(), relu, dense(10)] }),
    /layers\[1\] is no layer; call it: relu\(\)/,
  ],
  ['no loss', building({ loss: undefined }), /loss must be/],
  ['a function for a loss', building({ loss: softmaxCrossEntropy }), /loss must be/],
  ['null for a loss', building({ loss: null }), /loss must be/],
  ['null for a layer', building({ layers: [null] }), /layers\[0\] is no layer/],
  ['no optimizer', building({ optimizer: adam }), /optimizer must be/],
  ['an unknown option', building({ batch: 3 }), /unknown option "batch"; there are input, layers/],
  ['no rows', building({ batchSize: 0 }), /batchSize must be an integer ≥ 1, got 0/],
  [
    'one name for two layers',
    building({ layers: [flatten(), dense(3, { name: 'a' }), dense(10, { name: 'a' })] }),
    /"a.weight" would name two/,
  ],
  ['an input called as the learning rate', building({ input: { name: 'lr', shape: [28] } }), /"lr" would name two/],
  ['an input called as an output', building({ input: { name: 'loss', shape: [28] } }), /"loss" would name two/],
  [
    'an input called as state',
    building({ input: { name: 'x.out', shape: [28] } }),
    /input.name must be a text that does not/,
  ],
  [
    'an input without a shape',
    building({ input: { name: 'x' } }),
    /input.shape must be a list of sizes without the batch/,
  ],
  [
    'an unknown size',
    building({ input: { name: 'x', shape: [28, -1] } }),
    /input.shape\[1\] must be an integer ≥ 1, got -1/,
  ],
  ['strings', building({ input: { name: 'x', shape: [28], dtype: 'string' } }), /input.dtype must be one of float32/],
  [
    'a scale of nothing',
    building({ input: { name: 'x', shape: [28], scale: 0 } }),
    /input.scale must be a number other than 0/,
  ],
  [
    'a scale that is 0 in float32',
    building({ input: { name: 'x', shape: [28], scale: 1e-300 } }),
    /input.scale must be a number other than 0, got 1e-300, which is 0 in float32/,
  ],
  ['rows beyond memory', building({ input: { name: 'x', shape: [2 ** 40, 2 ** 40] } }), /input.shape would be float32/],
  [
    'a parameter beyond memory',
    building({ layers: [flatten(), dense(2 ** 40)] }),
    /layer dense1: dense1\.weight would be float32 \[1099511627776, 784\]/,
  ],
  ['a name that ends in the middle', () => relu({ name: 'a\0b' }), /relu: name must be a text/],
  ['half a character for a name', () => relu({ name: '\ud800' }), /relu: name must be a text/],
  ['a name that objects have', building({ input: { name: '__proto__', shape: [28] } }), /input.name must be a text/],
  ['half a unit', () => dense(0.5), /dense: units must be an integer ≥ 1, got 0.5/],
  [
    'an option of another library',
    () => dense(3, { activation: 'relu' } as never),
    /dense: unknown option "activation"; there are name, bias.*put relu\(\) after/,
  ],
  [
    'an initializer that there is not',
    () => dense(3, { initializer: 'zeros' as never }),
    /dense: initializer must be one of glorotUniform, heUniform, got "zeros"/,
  ],
  ['a name for a value inside', () => relu({ name: '/relu' }), /relu: name must be a text/],
  [
    'a padding of numbers',
    () => conv2d(1, 3, { padding: 1 as never }),
    /conv2d: padding must be one of valid, same, got 1/,
  ],
  [
    'three strides',
    () => averagePool2d(2, { strides: [1, 2, 3] as never }),
    /averagePool2d: strides must be one integer or two/,
  ],
  [
    'labels of floats',
    () => softmaxCrossEntropy({ labels: 'y', dtype: 'float32' as never }),
    /dtype must be one of int32, int64, uint8/,
  ],
  ['no labels', () => softmaxCrossEntropy({} as never), /labels must be a text/],
  ['no targets', () => meanSquaredError({} as never), /targets must be a text/],
  ['a momentum of 1', () => sgd({ momentum: 1 }), /sgd: momentum must be a number from 0 to below 1, got 1/],
  [
    'a rate in the optimizer',
    () => adam({ learningRate: 1 } as never),
    /adam: unknown option "learningRate".*lr.*trainingLoop\(\{ learningRate/,
  ],
  [
    'a rate for options',
    () => sgd(0.01 as never),
    /sgd: options must be an object, got 0.01; .*trainingLoop\(\{ learningRate/,
  ],
  ['no epsilon', () => adam({ epsilon: 0 }), /adam: epsilon must be a number/],
  [
    'an epsilon that is 0 in float32',
    () => adam({ epsilon: 1e-300 }),
    /epsilon must be a number ≥ .*, got 1e-300, which is 0 in float32/,
  ],
  [
    'a beta that is 1 in float32',
    () => adam({ beta2: 1 - 1e-12 }),
    /beta2 must be a number from 0 to below 1, got 0.9.*, which is 1 in float32/,
  ],
  ['a negative decay', () => adamW({ weightDecay: -1 }), /adamW: weightDecay must be a number ≥ 0, got -1/],
  ['a seed that is none', () => sequential(GOOD).initialState(-1), /the seed must be an integer from 0 to/],
];
test.each(MISTAKES)('%s is refused when it is built', (_name, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }));
});

test('a network of a thousand layers is built', () => {
  const layers = [flatten(), ...Array.from({ length: 1000 }, () => dense(2))];
  expect(sequential({ ...GOOD, layers }).parameterNames).toHaveLength(2000);
});

test('what is baked in must be the parameters, and the rest of the training state may come along', () => {
  const network = sequential({ ...GOOD, optimizer: adam() });
  const state = network.initialState(1);
  network.inferenceGraph(state);
  const { 'dense1.bias': _left, ...rest } = state;
  expect(() => network.inferenceGraph(rest)).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('no value for dense1.bias') }),
  );
  expect(() => network.inferenceGraph({ ...state, 'dense2.bias': ndarray(new Float32Array(1), [1]) })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('no parameter dense2.bias') }),
  );
  for (const wrong of [ndarray(new Float32Array(10), [2, 5]), ndarray(new Float64Array(10), [10])])
    expect(() => network.inferenceGraph({ ...state, 'dense1.bias': wrong })).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_MISMATCH',
        message: expect.stringContaining('must be float32 [10], got float'),
      }),
    );
});
