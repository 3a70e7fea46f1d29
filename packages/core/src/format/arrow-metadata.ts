import { shown } from '../errors.js';
import { canonicalSchema, leavesOf, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { bodyLayout, corrupt } from './head.js';
import { hasShapes } from './layout.js';
import type { PartInfo } from './manifest.js';

/** Of any schema that there may be. */
const MAX_METADATA_BYTES = 64 * 2 ** 20;
/** Numbers of Arrow's types and messages. @see https://github.com/apache/arrow/tree/main/format */
const [INT, FLOAT, BINARY, UTF8, LIST, STRUCT, FIXED_LIST] = [2, 3, 4, 5, 12, 13, 16] as const;
const [SCHEMA, RECORD_BATCH] = [1, 3] as const;
const PRECISION: Readonly<Record<string, number>> = { float16: 0, float32: 1, float64: 2 };

/** An Arrow type as the format asks for it. */
interface ArrowType {
  readonly type: number;
  /** Bits of an integer, precision of a float, size of a fixed list. */
  readonly size?: number;
  readonly isSigned?: boolean;
  readonly children?: readonly (readonly [name: string, type: ArrowType])[];
}

/** Bytes from the start of a part's Arrow file that its metadata take, as the manifest says. @throws DataRefError CORRUPT */
export function metadataBytes({ bodyStart }: PartInfo, where: string): number {
  if (bodyStart <= MAX_METADATA_BYTES) return bodyStart;
  throw corrupt(where, `its body begins at byte ${bodyStart} by the manifest, which leaves too much before it`);
}

/**
 * Holds what an Arrow file says of itself against the manifest: its schema, the types and the order of its columns, its
 * records, and where each buffer lies. No more is looked at than the manifest lets expect.
 * @param bytes of the file, up to where the body begins by the manifest
 * @throws DataRefError CORRUPT naming the first thing that differs
 */
export function checkArrowMetadata(schema: Schema, part: PartInfo, bytes: Uint8Array, where: string): void {
  const differs = (problem: string) => corrupt(where, `is not the file that the manifest tells of: ${problem}`);
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const batchStart = 16 + view.getUint32(12, true);
    const bodyStart = batchStart + 8 + view.getUint32(batchStart + 4, true);
    if (bodyStart !== part.bodyStart) throw differs(`its body begins at byte ${bodyStart}, not ${part.bodyStart}`);
    const problem = schemaProblem(schema, view, 16) ?? batchProblem(schema, part, view, batchStart + 8);
    if (problem !== undefined) throw differs(problem);
  } catch (error) {
    if ((error as Error).name === 'RangeError') throw differs('its metadata do not end where its body begins');
    throw error;
  }
}

function schemaProblem(schema: Schema, view: DataView, start: number): string | undefined {
  const table = headerOf(view, start, SCHEMA);
  if (table === undefined) return 'it begins with no schema';
  const columns = leavesOf(schema).filter((leaf) => leaf.kind !== 'fixed' || leaf.recordBytes > 0);
  const fields = tablesOf(view, member(view, table, 1));
  if (fields.count !== columns.length) return `it has ${fields.count} columns, not ${columns.length}`;
  for (const [i, leaf] of columns.entries()) {
    const name = textOf(view, member(view, fields.at(i), 0));
    if (name !== leaf.name) return `its column ${i} is ${shown(name, 60)}, not ${shown(leaf.name, 60)}`;
    if (!isOfType(view, fields.at(i), typeOf(leaf)))
      return `its column ${shown(name, 60)} is not of the type for ${leaf.dtype}`;
  }
  const metadata = tablesOf(view, member(view, table, 2));
  const isOurs = metadata.count === 1 && textOf(view, member(view, metadata.at(0), 0)) === 'dataref:schema';
  if (!isOurs || textOf(view, member(view, metadata.at(0), 1)) !== canonicalSchema(schema))
    return 'it was written with another schema';
  return undefined;
}

function batchProblem(schema: Schema, part: PartInfo, view: DataView, start: number): string | undefined {
  const table = headerOf(view, start, RECORD_BATCH);
  if (table === undefined) return 'it has no records after its schema';
  const records = longAt(view, member(view, table, 0));
  if (records !== part.records) return `it has ${records} records, not ${part.records}`;
  const buffers = vectorOf(view, member(view, table, 2));
  const expected = bodyLayout(leavesOf(schema), part).filter(({ byteLength }) => byteLength > 0);
  let next = 0;
  for (let i = 0; i < buffers.count; i++) {
    const at = buffers.start + 16 * i;
    const byteLength = longAt(view, at + 8);
    if (byteLength === 0) continue;
    const buffer = expected[next++];
    const isThere =
      longAt(view, at) + part.bodyStart === buffer?.start &&
      Math.ceil(byteLength / 8) === Math.ceil(buffer.byteLength / 8);
    if (!isThere) return `its buffer ${i} lies elsewhere, or has another size`;
  }
  return next === expected.length ? undefined : `it has ${next} buffers, not ${expected.length}`;
}

function typeOf(leaf: Leaf): ArrowType {
  const { dtype, shape, kind } = leaf;
  if (dtype === 'string') return { type: UTF8 };
  if (dtype === 'bytes') return { type: BINARY };
  const precision = PRECISION[dtype];
  const integer = { type: INT, size: 8 * leaf.elementBytes, isSigned: dtype.startsWith('int') };
  const element: ArrowType = precision === undefined ? integer : { type: FLOAT, size: precision };
  const fixed = (size: number, item: ArrowType): ArrowType => ({ type: FIXED_LIST, size, children: [['item', item]] });
  if (kind === 'fixed') return (shape as readonly number[]).reduceRight((item, size) => fixed(size, item), element);
  const list: ArrowType = { type: LIST, children: [['item', element]] };
  if (!hasShapes(leaf)) return list;
  const sizes = fixed(shape.length, { type: INT, size: 32, isSigned: true });
  return { type: STRUCT, children: [['values', list], ['shape', sizes]] }; // prettier-ignore
}

function isOfType(view: DataView, field: number, { type, size, isSigned, children = [] }: ArrowType): boolean {
  const kind = member(view, field, 2);
  if (kind === 0 || view.getUint8(kind) !== type) return false;
  const table = pointed(view, member(view, field, 3));
  const [first, second] = [member(view, table, 0), member(view, table, 1)];
  const own =
    first === 0 ? 0 : type === FLOAT ? view.getInt16(first, true) : size === undefined ? 0 : view.getInt32(first, true);
  if (own !== (size ?? 0)) return false;
  if (type === INT && (second !== 0 && view.getUint8(second) !== 0) !== isSigned) return false;
  const given = tablesOf(view, member(view, field, 5));
  return given.count === children.length && children.every(([, child], i) => isOfType(view, given.at(i), child));
}

/** The table of a message's content, where it is of that kind. */
function headerOf(view: DataView, start: number, kind: number): number | undefined {
  const message = pointed(view, start);
  const found = member(view, message, 1);
  return found !== 0 && view.getUint8(found) === kind ? pointed(view, member(view, message, 2)) : undefined;
}

// Flatbuffers: a table points back to the places of its members, 0 for one that is not there; all else points forward.

function member(view: DataView, table: number, index: number): number {
  const places = table - view.getInt32(table, true);
  const at = 4 + 2 * index;
  const offset = at < view.getUint16(places, true) ? view.getUint16(places + at, true) : 0;
  return offset === 0 ? 0 : table + offset;
}

function pointed(view: DataView, at: number): number {
  return at + view.getUint32(at, true);
}

function vectorOf(view: DataView, at: number): { readonly start: number; readonly count: number } {
  if (at === 0) return { start: 0, count: 0 };
  const start = pointed(view, at);
  return { start: start + 4, count: view.getUint32(start, true) };
}

function tablesOf(view: DataView, at: number): { readonly count: number; at(index: number): number } {
  const { start, count } = vectorOf(view, at);
  return { count, at: (index) => pointed(view, start + 4 * index) };
}

function textOf(view: DataView, at: number): string {
  const { start, count } = vectorOf(view, at);
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, count));
}

function longAt(view: DataView, at: number): number {
  return at === 0 ? 0 : Number(view.getBigInt64(at, true));
}
