/** What Hub's chunks are made of. */
export type Constant = number | string | Uint8Array | readonly Constant[] | ReadonlyMap<Constant, Constant>;

/** Begins what a tuple, or the items of a list or a dict, is collected from. */
const MARK = Symbol('mark');
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A pickle of numbers, texts, bytes, tuples, lists and dicts, and of nothing else: opcodes that name or call anything
 * are refused, so that reading one runs no code. Bytes are views of the input.
 * Follows Python's pickletools, protocols 2 to 5.
 * @throws RangeError, TypeError saying what is wrong
 */
export function readPickle(bytes: Uint8Array): Constant {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: (Constant | typeof MARK)[] = [];
  const memo: Constant[] = [];
  let at = 0;

  const uint8 = (): number => view.getUint8(at++);
  const uint16 = (): number => view.getUint16((at += 2) - 2, true);
  const uint32 = (): number => view.getUint32((at += 4) - 4, true);
  const uint64 = (): number => Number(view.getBigUint64((at += 8) - 8, true));
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new RangeError(`it ends within a value of ${length} bytes`);
    return bytes.subarray(at, (at += length));
  };
  const long = (length: number): number => {
    const digits = take(length);
    if (length > 8) throw new RangeError(`it has an integer of ${length} bytes`);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i] as number);
    return Number(BigInt.asIntN(8 * length, value));
  };
  const pop = (): Constant => {
    const item = stack.pop();
    if (item === undefined || item === MARK) throw new RangeError('it takes what is not there');
    return item;
  };
  const popMarked = (): Constant[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw new RangeError('it has no mark where one is needed');
    return stack.splice(mark).slice(1) as Constant[];
  };
  const popCount = (count: number): Constant[] => Array.from({ length: count }, pop).toReversed();
  const top = <T extends Constant>(isKind: (item: unknown) => item is T): T => {
    const item = stack.at(-1);
    if (!isKind(item)) throw new TypeError('it adds to what takes nothing');
    return item;
  };
  const append = (items: readonly Constant[]): void => void top(isList).push(...items);
  const setItems = (items: readonly Constant[]): void => {
    const dict = top(isDict);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i] as Constant, items[i + 1] ?? 0);
  };
  const remembered = (place: number): Constant => {
    const item = memo[place];
    if (item === undefined) throw new RangeError('it refers to what was not kept');
    return item;
  };
  const keep = (place: number): void => {
    if (place > memo.length) throw new RangeError('it keeps values out of order');
    memo[place] = stack.at(-1) as Constant;
  };

  for (;;) {
    const opcode = uint8();
    switch (opcode) {
      case 0x80: // PROTO
        uint8();
        break;
      case 0x95: // FRAME
        uint64();
        break;
      case 0x28: // MARK
        stack.push(MARK);
        break;
      case 0x4b: // BININT1
        stack.push(uint8());
        break;
      case 0x4d: // BININT2
        stack.push(uint16());
        break;
      case 0x4a: // BININT
        stack.push(uint32() | 0);
        break;
      case 0x8a: // LONG1
        stack.push(long(uint8()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(utf8.decode(take(uint8())));
        break;
      case 0x58: // BINUNICODE
        stack.push(utf8.decode(take(uint32())));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(take(uint8()));
        break;
      case 0x42: // BINBYTES
        stack.push(take(uint32()));
        break;
      case 0x8e: // BINBYTES8
        stack.push(take(uint64()));
        break;
      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
        stack.push([]);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x74: // TUPLE
        stack.push(popMarked());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(popCount(opcode - 0x84));
        break;
      case 0x61: // APPEND
        append(popCount(1));
        break;
      case 0x65: // APPENDS
        append(popMarked());
        break;
      case 0x73: // SETITEM
        setItems(popCount(2));
        break;
      case 0x75: // SETITEMS
        setItems(popMarked());
        break;
      case 0x94: // MEMOIZE
        keep(memo.length);
        break;
      case 0x71: // BINPUT
        keep(uint8());
        break;
      case 0x72: // LONG_BINPUT
        keep(uint32());
        break;
      case 0x68: // BINGET
        stack.push(remembered(uint8()));
        break;
      case 0x6a: // LONG_BINGET
        stack.push(remembered(uint32()));
        break;
      case 0x2e: // STOP
        if (stack.length !== 1 || at !== bytes.length) throw new RangeError('it does not end where it says');
        return pop();
      default:
        throw new TypeError(
          `opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${at - 1} is refused: only numbers, texts, bytes, tuples, lists and dicts are read, since other pickles can run code`,
        );
    }
  }
}

function isList(item: unknown): item is Constant[] {
  return Array.isArray(item);
}

function isDict(item: unknown): item is Map<Constant, Constant> {
  return item instanceof Map;
}
