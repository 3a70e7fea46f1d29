// The few values that Horovod's driver and workers exchange, in Python's pickle format, protocol 2 and 3. Nothing is ever
// unpickled here: a message is known by the class that it names.
// @see https://github.com/python/cpython/blob/3.11/Lib/pickletools.py

const OPCODE = {
  proto: 0x80,
  stop: '.',
  dict: '}',
  list: ']',
  tuple2: 0x86,
  append: 'a',
  setItem: 's',
  newObject: 0x81,
};

/** One value's opcodes. */
export type Pickled = Buffer;

/** A whole pickle. */
export function pickle(value: Pickled): Buffer {
  return join(OPCODE.proto, 3, value, OPCODE.stop);
}

export function text(value: string): Pickled {
  return join('X', uint32(Buffer.byteLength(value)), value);
}

/** @param value from 0 to 2^31 - 1 */
export function integer(value: number): Pickled {
  return join('J', uint32(value));
}

/** @param value at most 255 bytes */
export function bytes(value: Buffer): Pickled {
  return join('C', value.byteLength, value);
}

export function pair(first: Pickled, second: Pickled): Pickled {
  return join(first, second, OPCODE.tuple2);
}

export function list(...items: readonly Pickled[]): Pickled {
  return join(OPCODE.list, ...items.flatMap((item) => [item, OPCODE.append]));
}

export function dictionary(items: Readonly<Record<string, Pickled>>): Pickled {
  return join(OPCODE.dict, ...Object.entries(items).flatMap(([key, item]) => [text(key), item, OPCODE.setItem]));
}

/** An object of a class that needs no arguments to be made, with these attributes. */
export function instance(module: string, name: string, attributes: Readonly<Record<string, Pickled>> = {}): Pickled {
  const made = join(`c${module}\n${name}\n`, ')', OPCODE.newObject);
  return Object.keys(attributes).length === 0 ? made : join(made, dictionary(attributes), 'b');
}

function uint32(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four;
}

function join(...pieces: readonly (Buffer | string | number)[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      typeof piece === 'string' ? Buffer.from(piece) : typeof piece === 'number' ? Buffer.of(piece) : piece,
    ),
  );
}
