import { failed, REDUCTIONS } from '../collective/checks.js';
import type { Reduction } from '../collective/types.js';

/** `part` carries a piece of an answer; `failure` a message, of which the job has died; `leave` announces a good end. */
const KINDS = ['allreduce', 'broadcast', 'allgather', 'barrier', 'part', 'leave', 'failure'] as const;
const DTYPES = {
  Uint8Array: 1,
  Int8Array: 1,
  Uint16Array: 2,
  Int16Array: 2,
  Uint32Array: 4,
  Int32Array: 4,
  Float32Array: 4,
  Float64Array: 8,
  BigInt64Array: 8,
};
const DTYPE_NAMES = Object.keys(DTYPES) as (keyof typeof DTYPES)[];
const MAGIC = 0x44524631;

/** What stands before each payload, and all that ranks compare of their calls. */
export interface Frame {
  readonly kind: (typeof KINDS)[number];
  /** How many calls the sender made before. */
  readonly turn: number;
  readonly dtype: keyof typeof DTYPES;
  /** Number of values. */
  readonly length: number;
  readonly reduction: Reduction;
  readonly root: number;
}

export const FRAME_BYTES = 28;
export const MAX_MESSAGE_BYTES = 2_048;
/**
 * So much is reduced and sent back at a time: the ranks' next bytes are under way meanwhile. Of an allreduce or broadcast
 * a rank sends the first such part with the call, and the rest, as one more frame, when it has an answer.
 */
export const PART_BYTES = 1 << 19;

const PLAIN = { turn: 0, dtype: 'Uint8Array', length: 0, reduction: 'sum', root: 0 } as const;

export function frameOf(kind: Frame['kind'], rest: Partial<Frame> = {}): Frame {
  return { ...PLAIN, ...rest, kind };
}

/** @returns 28 bytes, little-endian: magic, kind, dtype, reduction, 0, turn and length (float64), root */
export function encodeFrame(frame: Frame): Buffer {
  const bytes = Buffer.alloc(FRAME_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[4] = KINDS.indexOf(frame.kind);
  bytes[5] = DTYPE_NAMES.indexOf(frame.dtype);
  bytes[6] = REDUCTIONS.indexOf(frame.reduction);
  bytes.writeDoubleLE(frame.turn, 8);
  bytes.writeDoubleLE(frame.length, 16);
  bytes.writeUInt32LE(frame.root, 24);
  return bytes;
}

/** @throws DataRefError COLLECTIVE_FAILED where the bytes are no frame's */
export function decodeFrame(bytes: Buffer): Frame {
  const frame = {
    kind: KINDS[bytes[4] as number],
    dtype: DTYPE_NAMES[bytes[5] as number],
    reduction: REDUCTIONS[bytes[6] as number],
    turn: bytes.readDoubleLE(8),
    length: bytes.readDoubleLE(16),
    root: bytes.readUInt32LE(24),
  };
  const isFrame =
    bytes.readUInt32LE(0) === MAGIC &&
    frame.kind !== undefined &&
    frame.dtype !== undefined &&
    frame.reduction !== undefined &&
    bytes[7] === 0 &&
    [frame.turn, frame.length].every((count) => Number.isSafeInteger(count) && !Object.is(count, -0) && count >= 0);
  if (!isFrame) throw failed('the connection carries something else than the frames of a collective');
  return frame as Frame;
}

export function byteLengthOf(frame: Frame): number {
  return frame.length * DTYPES[frame.dtype];
}

export function isSameCall(a: Frame, b: Frame): boolean {
  return (Object.keys(PLAIN) as (keyof typeof PLAIN)[]).every((key) => a[key] === b[key]) && a.kind === b.kind;
}

/** What stands before all that follows the first part of a call's bytes. */
export function restOf({ turn }: Frame, byteLength: number): Frame {
  return frameOf('part', { turn, length: byteLength - PART_BYTES });
}

/** A call as its caller would name it. */
export function describeCall({ kind, reduction, length, dtype, root, turn }: Frame): string {
  if (kind === 'allreduce') return `allreduce (${reduction}) of ${length} ${dtype}`;
  if (kind === 'broadcast') return `broadcast of ${length} ${dtype} from ${root}`;
  if (kind === 'allgather') return `allgather of ${length} ${dtype}`;
  return kind === 'barrier' ? kind : `${kind} (${length} bytes, turn ${turn})`;
}
