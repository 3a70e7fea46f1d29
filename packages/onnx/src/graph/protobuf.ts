const utf8 = new TextEncoder();

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * A protobuf message being written, field by field, in the order of the field numbers, as other writers do.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class Message {
  readonly #chunks: Uint8Array[] = [];
  #byteLength = 0;

  /** An int32, int64 or enum; negative numbers take ten bytes. */
  integer(field: number, value: number): this {
    return this.#add(varint(tag(field, VARINT)), varint(value));
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** Bytes, which are not copied before `encode`. */
  bytes(field: number, value: Uint8Array): this {
    return this.#add(varint(tag(field, LENGTH_DELIMITED)), varint(value.byteLength), value);
  }

  message(field: number, value: Message): this {
    this.#add(varint(tag(field, LENGTH_DELIMITED)), varint(value.#byteLength));
    // One by one: a graph of many nodes has more chunks than a call takes arguments.
    for (const chunk of value.#chunks) this.#add(chunk);
    return this;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#byteLength);
    let end = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, end);
      end += chunk.byteLength;
    }
    return all;
  }

  #add(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#byteLength += chunk.byteLength;
    }
    return this;
  }
}

function tag(field: number, wireType: number): number {
  return field * 8 + wireType;
}

/** Seven bits a byte, the lowest first; a negative number as its 64 bits in two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
