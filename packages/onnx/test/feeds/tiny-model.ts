// Models of a few nodes, written by hand in the wire format of protocol buffers: field numbers are those of onnx.proto.
import * as ort from 'onnxruntime-node';

const TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const;
export type TensorType = keyof typeof TYPES;
export const TENSOR_TYPES = Object.keys(TYPES) as TensorType[];

export interface Value {
  readonly name: string;
  readonly type: TensorType;
  /** Numbers, names, and '' for any size. */
  readonly shape: readonly (number | string)[];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
const int = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, value: ArrayLike<number>): number[] => [
  ...varint(field * 8 + 2),
  ...varint(value.length),
  ...Array.from(value),
];
const text = (field: number, value: string): number[] => bytes(field, Buffer.from(value));

function valueInfo({ name, type, shape }: Value): number[] {
  const size = (dim: number | string): number[] =>
    typeof dim === 'number' ? int(1, dim) : dim === '' ? [] : text(2, dim);
  const dims = shape.flatMap((dim) => bytes(1, size(dim)));
  return [...text(1, name), ...bytes(2, bytes(1, [...int(1, TYPES[type]), ...bytes(2, dims)]))];
}

/** A model that gives each input back as output `seen.NAME`, and `NAME.out` for those in `state`. */
export function echoModel(inputs: readonly Value[], state: readonly string[] = []): Uint8Array {
  const echo = (from: string, to: string): number[] =>
    bytes(1, [...text(1, from), ...text(2, to), ...text(4, 'Identity')]);
  const outputs = inputs.map((input) => ({ ...input, from: input.name, name: `seen.${input.name}` }));
  for (const name of state) {
    const input = inputs.find((candidate) => candidate.name === name) as Value;
    outputs.push({ ...input, from: name, name: `${name}.out` });
  }
  const graph = [
    ...outputs.flatMap(({ from, name }) => echo(from, name)),
    ...text(2, 'echo'),
    ...inputs.flatMap((input) => bytes(11, valueInfo(input))),
    ...outputs.flatMap((output) => bytes(12, valueInfo(output))),
  ];
  return Uint8Array.from([...int(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ''), ...int(2, 17)])]);
}

export const SESSION_OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
} as const;

export function openEcho(inputs: readonly Value[], state?: readonly string[]): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(echoModel(inputs, state), SESSION_OPTIONS);
}

export const input = (name: string, type: TensorType, shape: readonly (number | string)[]): Value => ({
  name,
  type,
  shape,
});

/** What a model would say of itself, without a session. */
export function modelOf(inputs: readonly Value[], outputs: readonly string[] = []) {
  return { inputMetadata: inputs.map((value) => ({ ...value, isTensor: true as const })), outputNames: outputs };
}
