import { shown, type Refuse } from '@dataref/core/adapter';

/** What the bytes of a model tell of the files that its tensors lie in, by their paths from its folder on. */
export interface OnnxFiles {
  /** How many bytes each must have. */
  readonly needed: ReadonlyMap<string, number>;
  /** Where the bytes of those are that are kept behind the model. */
  readonly kept: ReadonlyMap<string, { readonly start: number; readonly end: number }>;
  /** Where the model itself ends. */
  readonly modelEnd: number;
}

/** A field of ModelProto that ONNX does not have, which every reader passes over: a file that tensors lie in. */
export const FILE_FIELD = 55_930;
export const FILE = { path: 1, bytes: 2 } as const;

/** Fields of ModelProto without which onnxruntime takes none. */
const REQUIRED = { 1: 'IR version', 7: 'graph', 8: 'operator set' } as const;
const ENTRY = { key: 1, value: 2 } as const;
const DATA_LOCATION = 14;
const EXTERNAL = 1;

/** The messages on the way to every tensor, by the numbers of their fields; all others are passed over. */
const FIELDS = {
  model: { 1: 'number', 7: 'graph', 8: 'operators', 20: 'training', 25: 'function', [FILE_FIELD]: 'file' },
  operators: {},
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry', [DATA_LOCATION]: 'number' },
  entry: { 1: 'text', 2: 'text' },
  file: { 1: 'text', 2: 'bytes' },
} as const satisfies Record<string, Readonly<Record<number, string>>>;
type Kind = keyof typeof FIELDS;

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;
const FOUR_BYTES = 5;

/** As deep as protobuf's own readers go. */
const MOST_DEPTH = 100;
const MOST_TEXT_BYTES = 4096;
const HEAD_BYTES = 16;

/** Asks for the next piece, of which there is none at the end. */
type Reading<T> = Generator<undefined, T, Uint8Array | undefined>;

/**
 * Tells ONNX models from other bytes, which are given piece by piece: fields within fields to the last byte, and what
 * onnxruntime asks of a model before it looks at its operators. Weights are passed over.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export class OnnxReader {
  readonly #refuse: Refuse;
  readonly #reading: Reading<unknown>;
  readonly #needed = new Map<string, number>();
  readonly #kept = new Map<string, { readonly start: number; readonly end: number }>();
  readonly #found = new Set<number>();
  #modelEnd = Infinity;
  #head = '';
  #piece = new Uint8Array(0);
  #at = 0;
  /** Bytes of the pieces before this one. */
  #before = 0;

  /** @param refuse is told what is wrong with the model, and throws */
  constructor(refuse: Refuse) {
    this.#refuse = refuse;
    this.#reading = this.#message('model', Infinity, 0, false);
    this.#reading.next();
  }

  push(piece: Uint8Array): void {
    for (const byte of piece.subarray(0, HEAD_BYTES - this.#head.length)) this.#head += String.fromCharCode(byte);
    this.#reading.next(piece);
  }

  /** What there is to know once all pieces were given. */
  end(): OnnxFiles {
    this.#reading.next(undefined);
    if (this.#position === 0) return this.#refuse('has no bytes');
    for (const [field, name] of Object.entries(REQUIRED))
      if (!this.#found.has(Number(field)))
        this.#refuse(`is cut short, or no ONNX model: it begins with "${shown(this.#head)}", and has no ${name}`);
    return { needed: this.#needed, kept: this.#kept, modelEnd: Math.min(this.#modelEnd, this.#position) };
  }

  get #position(): number {
    return this.#before + this.#at;
  }

  /**
   * Reads a message.
   * @param isInner whether it is in a branch of the graph, or in a function
   * @returns its texts and numbers, as far as they are looked at
   */
  *#message(kind: Kind, end: number, depth: number, isInner: boolean): Reading<Record<number, string | number>> {
    if (depth > MOST_DEPTH) this.#malformed();
    const fields: Readonly<Record<number, string | undefined>> = FIELDS[kind];
    const values: Record<number, string | number> = {};
    const entries = new Map<string, string>();
    while (yield* this.#isBefore(end)) {
      const start = this.#position;
      const tag = yield* this.#varint(end);
      const [field, wire] = [Math.floor(tag / 8), tag % 8];
      if (field === 0) this.#malformed();
      // One of another wire type is unknown, as for other readers.
      const type = wire === (fields[field] === 'number' ? VARINT : LENGTH_DELIMITED) ? fields[field] : undefined;
      if (kind === 'model' && type !== undefined) this.#found.add(field);
      if (type === 'file') this.#modelEnd = Math.min(this.#modelEnd, start);
      if (wire === VARINT) {
        const value = yield* this.#varint(end);
        if (type === 'number') values[field] = value;
        continue;
      }
      const length = wire === LENGTH_DELIMITED ? yield* this.#varint(end) : this.#fixedLength(wire);
      const stop = this.#position + length;
      if (stop > end) this.#malformed();
      if (type === undefined) yield* this.#skip(length);
      else if (type === 'text') values[field] = yield* this.#text(length);
      else if (type === 'bytes') {
        this.#kept.set(String(values[FILE.path]), { start: this.#position, end: stop });
        yield* this.#skip(length);
      } else {
        const isBranch = kind === 'attribute' && type === 'graph';
        const isWithin = isInner || isBranch || type === 'function' || type === 'training';
        const inner = yield* this.#message(type as Kind, stop, depth + 1, isWithin);
        if (type === 'entry') entries.set(String(inner[ENTRY.key]), String(inner[ENTRY.value]));
      }
    }
    if (kind === 'tensor' && values[DATA_LOCATION] === EXTERNAL) this.#note(entries, isInner);
    return values;
  }

  /** A tensor that lies in a file. */
  #note(entries: ReadonlyMap<string, string>, isInner: boolean): void {
    const path = entries.get('location') ?? this.#refuse('has a tensor in another file, and does not say in which');
    if (isInner)
      this.#refuse(`has a tensor of a branch or a function in the file ${shown(path)}, where onnxruntime finds it by paths alone`); // prettier-ignore
    if (/^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)/u.test(path))
      this.#refuse(`has a tensor in the file ${shown(path)}, and ONNX allows those in the model's own folder alone`);
    const end = Number(entries.get('offset') ?? 0) + Number(entries.get('length') ?? 0);
    if (!Number.isSafeInteger(end) || end < 0) this.#refuse(`has a tensor at no place of the file ${shown(path)}`);
    this.#needed.set(path, Math.max(end, this.#needed.get(path) ?? 0));
  }

  #fixedLength(wire: number): number {
    return wire === EIGHT_BYTES ? 8 : wire === FOUR_BYTES ? 4 : this.#malformed();
  }

  *#varint(end: number): Reading<number> {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      if (this.#position >= end) this.#malformed();
      const byte = (yield* this.#hasMore()) ? (this.#piece[this.#at++] as number) : this.#cutShort();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return this.#malformed();
  }

  *#text(length: number): Reading<string> {
    if (length > MOST_TEXT_BYTES) this.#malformed();
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++)
      bytes[i] = (yield* this.#hasMore()) ? (this.#piece[this.#at++] as number) : this.#cutShort();
    return new TextDecoder().decode(bytes);
  }

  *#skip(length: number): Reading<void> {
    for (let rest = length; rest > 0;) {
      if (!(yield* this.#hasMore())) this.#cutShort();
      const passed = Math.min(rest, this.#piece.length - this.#at);
      this.#at += passed;
      rest -= passed;
    }
  }

  /** Whether a message has another field: the model itself has as many as there are bytes for. */
  *#isBefore(end: number): Reading<boolean> {
    return this.#position < end && (end !== Infinity || (yield* this.#hasMore()));
  }

  *#hasMore(): Reading<boolean> {
    while (this.#at === this.#piece.length) {
      const next = yield;
      if (next === undefined) return false;
      this.#before += this.#at;
      [this.#piece, this.#at] = [next as Uint8Array<ArrayBuffer>, 0];
    }
    return true;
  }

  #malformed(): never {
    return this.#refuse(`is no ONNX model: it begins with "${shown(this.#head)}", and what is at byte ${this.#position} is in none`); // prettier-ignore
  }

  #cutShort(): never {
    return this.#refuse(`is cut short, or no ONNX model: it begins with "${shown(this.#head)}", and ends at byte ${this.#position} in the midst of a field`); // prettier-ignore
  }
}
