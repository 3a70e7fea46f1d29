// A whole training step of an MLP (784, 128, 10) as an ONNX graph, for onnx.mjs: forward, backward, SGD with momentum.
// Written in the wire format of protocol buffers; field numbers are those of onnx.proto.
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7 };
const varint = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
const int = (field, value) => [...varint(field * 8), ...varint(value)];
const bytes = (field, value) => [...varint(field * 8 + 2), ...varint(value.length), ...value];
const text = (field, value) => bytes(field, Buffer.from(value));

class Graph {
  #parts = [];
  #names = 0;

  op(type, inputs, attributes = {}, output = `t${this.#names++}`) {
    const list = Object.entries(attributes).flatMap(([name, value]) =>
      bytes(5, [...text(1, name), ...int(3, value), ...int(20, 2)]),
    );
    const node = [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, type), ...list];
    this.#parts.push(...bytes(1, node));
    return output;
  }
  constant(type, dims, data) {
    const name = `c${this.#names++}`;
    const raw = new Uint8Array(data.buffer);
    this.#parts.push(...bytes(5, [...dims.flatMap((n) => int(1, n)), ...int(2, TYPES[type]), ...text(8, name), ...bytes(9, raw)])); // prettier-ignore
    return name;
  }
  float(value) {
    return this.constant('float32', [], Float32Array.of(value));
  }
  value(field, name, type, shape) {
    const dims = shape.flatMap((dim) => bytes(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)));
    this.#parts.push(...bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...int(1, TYPES[type]), ...bytes(2, dims)]))])); // prettier-ignore
  }
  model() {
    const opset = bytes(8, [...text(1, ''), ...int(2, 17)]);
    return Uint8Array.from([...int(1, 8), ...bytes(7, [...this.#parts, ...text(2, 'step')]), ...opset]);
  }
}

export const PARAMETERS = { W1: [784, 128], b1: [128], W2: [128, 10], b2: [10] };

/** @param pixels dtype of input x: uint8, which the graph casts and scales, or float32 */
export function trainingStep(pixels) {
  const g = new Graph();
  g.value(11, 'x', pixels, ['N', 784]);
  g.value(11, 'y', 'int64', ['N']);
  g.value(11, 'lr', 'float32', []);
  for (const [name, shape] of Object.entries(PARAMETERS)) {
    for (const each of [name, `${name}.momentum`]) {
      g.value(11, each, 'float32', shape);
      g.value(12, `${each}.out`, 'float32', shape);
    }
  }
  g.value(12, 'loss', 'float32', []);
  const axis0 = g.constant('int64', [1], BigInt64Array.of(0n));
  const x = pixels === 'uint8' ? g.op('Mul', [g.op('Cast', ['x'], { to: 1 }), g.float(1 / 255)]) : 'x';
  const z = g.op('Gemm', [x, 'W1', 'b1']);
  const h = g.op('Relu', [z]);
  const logits = g.op('Gemm', [h, 'W2', 'b2']);
  const classes = g.constant('int64', [], BigInt64Array.of(10n));
  const target = g.op('OneHot', ['y', classes, g.constant('float32', [2], Float32Array.of(0, 1))]);
  const rows = g.op('Cast', [g.op('Size', ['y'])], { to: 1 });
  const likelihood = g.op('Mul', [g.op('LogSoftmax', [logits], { axis: 1 }), target]);
  g.op('Div', [g.op('Neg', [g.op('ReduceSum', [likelihood], { keepdims: 0 })]), rows], {}, 'loss');
  const dLogits = g.op('Div', [g.op('Sub', [g.op('Softmax', [logits], { axis: 1 }), target]), rows]);
  const isOn = g.op('Cast', [g.op('Greater', [z, g.float(0)])], { to: 1 });
  const dz = g.op('Mul', [g.op('Gemm', [dLogits, 'W2'], { transB: 1 }), isOn]);
  const gradients = {
    W1: g.op('Gemm', [x, dz], { transA: 1 }),
    b1: g.op('ReduceSum', [dz, axis0], { keepdims: 0 }),
    W2: g.op('Gemm', [h, dLogits], { transA: 1 }),
    b2: g.op('ReduceSum', [dLogits, axis0], { keepdims: 0 }),
  };
  for (const [name, gradient] of Object.entries(gradients)) {
    const kept = g.op('Mul', [`${name}.momentum`, g.float(0.9)]);
    g.op('Add', [kept, gradient], {}, `${name}.momentum.out`);
    g.op('Sub', [name, g.op('Mul', ['lr', `${name}.momentum.out`])], {}, `${name}.out`);
  }
  return g.model();
}
