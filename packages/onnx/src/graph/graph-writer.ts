import * as onnx from './onnx-fields.js';
import { Message } from './protobuf.js';

const IR_VERSION = 8;
/** The oldest of the operator sets that have all that is written, so that many runtimes read it. */
const OPSET = 17;

/** The name of a value in the graph. */
export type Value = string;
export type Attribute = number | string | readonly number[];
export type Attributes = Readonly<Record<string, Attribute>>;
export type Dimensions = readonly (number | string)[];

/** A graph of ONNX being written: each call adds a node, and returns the name of what it computes. */
export class GraphWriter {
  /** What the names of the values that follow begin with. */
  scope = 'input';
  readonly #name: string;
  readonly #nodes: Message[] = [];
  readonly #initializers = new Map<string, Message>();
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** A node of one output, which gets a name of its own, `/scope/Op_number`, where it is given none. */
  op(type: string, inputs: readonly Value[], attributes: Attributes = {}, output?: Value): Value {
    const name = this.#freshName(type);
    this.#add(name, type, inputs, attributes, [output ?? name]);
    return output ?? name;
  }

  /** A node of two outputs. */
  pair(type: string, inputs: readonly Value[], attributes: Attributes = {}): readonly [Value, Value] {
    const name = this.#freshName(type);
    const outputs = [name, `${name}_second`] as const;
    this.#add(name, type, inputs, attributes, outputs);
    return outputs;
  }

  /** A float32 constant, a scalar where no shape is given. */
  float(value: number | Float32Array, shape: readonly number[] = []): Value {
    const data = typeof value === 'number' ? Float32Array.of(value) : value;
    return this.#constant('float32', shape, data);
  }

  /** A float64 scalar constant. */
  double(value: number): Value {
    return this.#constant('float64', [], Float64Array.of(value));
  }

  /** An int64 constant: a scalar for a number, a vector for a list. */
  integers(value: number | readonly number[]): Value {
    const list = typeof value === 'number' ? [value] : value;
    return this.#constant('int64', typeof value === 'number' ? [] : [list.length], BigInt64Array.from(list, BigInt));
  }

  cast(value: Value, dtype: onnx.GraphDType): Value {
    return this.op('Cast', [value], { to: onnx.DATA_TYPE[dtype] });
  }

  input(name: Value, dtype: onnx.GraphDType, shape: Dimensions): Value {
    this.#inputs.push(valueInfo(name, dtype, shape));
    return name;
  }

  output(name: Value, dtype: onnx.GraphDType, shape: Dimensions): void {
    this.#outputs.push(valueInfo(name, dtype, shape));
  }

  /** A named float32 constant. */
  initializer(name: Value, shape: readonly number[], data: Float32Array): Value {
    this.#initializers.set(name, tensor(name, 'float32', shape, data));
    return name;
  }

  model(): Uint8Array<ArrayBuffer> {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(onnx.GRAPH.node, node);
    graph.text(onnx.GRAPH.name, this.#name);
    for (const constant of this.#initializers.values()) graph.message(onnx.GRAPH.initializer, constant);
    for (const input of this.#inputs) graph.message(onnx.GRAPH.input, input);
    for (const output of this.#outputs) graph.message(onnx.GRAPH.output, output);
    const opset = new Message().text(onnx.OPERATOR_SET.domain, '').integer(onnx.OPERATOR_SET.version, OPSET);
    return new Message()
      .integer(onnx.MODEL.irVersion, IR_VERSION)
      .text(onnx.MODEL.producerName, 'dataref')
      .message(onnx.MODEL.graph, graph)
      .message(onnx.MODEL.opsetImport, opset)
      .encode();
  }

  #freshName(type: string): string {
    return `/${this.scope}/${type}_${this.#nodes.length}`;
  }

  #add(name: string, type: string, inputs: readonly Value[], attributes: Attributes, outputs: readonly Value[]): void {
    const node = new Message();
    for (const input of inputs) node.text(onnx.NODE.input, input);
    for (const output of outputs) node.text(onnx.NODE.output, output);
    node.text(onnx.NODE.name, name).text(onnx.NODE.opType, type);
    for (const [key, value] of Object.entries(attributes)) node.message(onnx.NODE.attribute, attribute(key, value));
    this.#nodes.push(node);
  }

  /** Equal constants are written once. */
  #constant(dtype: onnx.GraphDType, shape: readonly number[], data: ConstantData): Value {
    const name = `/constants/${dtype}[${shape.join()}]${data.length <= 8 ? `(${data.join()})` : this.#initializers.size}`;
    if (!this.#initializers.has(name)) this.#initializers.set(name, tensor(name, dtype, shape, data));
    return name;
  }
}

type ConstantData = Float32Array | Float64Array | BigInt64Array;

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(onnx.ATTRIBUTE.name, name);
  if (typeof value === 'number')
    return message.integer(onnx.ATTRIBUTE.int, value).integer(onnx.ATTRIBUTE.type, onnx.ATTRIBUTE_TYPE.int);
  if (typeof value === 'string')
    return message.text(onnx.ATTRIBUTE.text, value).integer(onnx.ATTRIBUTE.type, onnx.ATTRIBUTE_TYPE.text);
  for (const item of value) message.integer(onnx.ATTRIBUTE.ints, item);
  return message.integer(onnx.ATTRIBUTE.type, onnx.ATTRIBUTE_TYPE.ints);
}

function tensor(name: string, dtype: onnx.GraphDType, shape: readonly number[], data: ConstantData): Message {
  const message = new Message();
  for (const size of shape) message.integer(onnx.TENSOR.dims, size);
  return message
    .integer(onnx.TENSOR.dataType, onnx.DATA_TYPE[dtype])
    .text(onnx.TENSOR.name, name)
    .bytes(onnx.TENSOR.rawData, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function valueInfo(name: string, dtype: onnx.GraphDType, shape: Dimensions): Message {
  const dims = new Message();
  for (const size of shape) {
    const dim = new Message();
    if (typeof size === 'number') dim.integer(onnx.DIMENSION.value, size);
    else dim.text(onnx.DIMENSION.param, size);
    dims.message(onnx.TENSOR_SHAPE.dim, dim);
  }
  const type = new Message()
    .integer(onnx.TENSOR_TYPE.elemType, onnx.DATA_TYPE[dtype])
    .message(onnx.TENSOR_TYPE.shape, dims);
  return new Message()
    .text(onnx.VALUE_INFO.name, name)
    .message(onnx.VALUE_INFO.type, new Message().message(onnx.TYPE.tensorType, type));
}
