import type { Data, DataType, RecordBatchFileWriter, Schema as ArrowSchema } from 'apache-arrow';
import { lazyModule } from '../lazy-module.js';
import type { ColumnData } from '../schema/column-data.js';
import type { NumericDType } from '../schema/dtypes.js';
import { canonicalSchema, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { hasShapes } from './layout.js';

type Arrow = typeof import('./arrow.js');

const loadArrow = lazyModule('the writer of Arrow files', () => import('./arrow.js'));

/** The chunks of one Arrow IPC file with one record batch; big buffers are the columns' own memory. */
export interface ArrowPart {
  readonly chunks: readonly Uint8Array[];
  /** Where the record batch's body begins. */
  readonly bodyStart: number;
}

/**
 * A part's file. Fixed shapes are nested FixedSizeList, bool is uint8, ragged vectors List, ragged tensors a struct of
 * values and shape; the true dtypes and the record's structure are in the schema's metadata, `dataref:schema`.
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */
export async function encodeArrowPart(schema: Schema, columns: readonly ColumnData[]): Promise<ArrowPart> {
  const arrow = await loadArrow();
  const stored = columns.filter(({ leaf }) => leaf.kind !== 'fixed' || leaf.recordBytes > 0);
  const length = columns[0]?.length ?? 0;
  const children = stored.map((column) => columnToData(arrow, column));
  const fields = stored.map(({ leaf }, i) => new arrow.Field(leaf.name, (children[i] as Data).type, false));
  const metadata = new Map([['dataref:schema', canonicalSchema(schema)]]);
  const batch = new arrow.RecordBatch(
    new arrow.Schema(fields, metadata),
    arrow.makeData({ type: new arrow.Struct(fields), length, nullCount: 0, children }),
  );
  const writer = makeWriter(arrow);
  writer.write(batch);
  writer.finish();
  const chunks: Uint8Array[] = [];
  for await (const chunk of writer) chunks.push(chunk);
  return { chunks, bodyStart: bodyStartOf(chunks) };
}

/**
 * A writer whose file begins with the schema message that the format asks for, so that readers of streams can read it
 * too. apache-arrow's own leaves it out.
 */
function makeWriter(arrow: Arrow): RecordBatchFileWriter {
  class FileWriter extends arrow.RecordBatchFileWriter {
    protected override _writeSchema(schema: ArrowSchema): this {
      // oxlint-disable-next-line no-underscore-dangle -- apache-arrow's names
      return super._writeSchema(schema)._writeMessage(arrow.Message.from(schema));
    }
  }
  return new FileWriter();
}

function columnToData(arrow: Arrow, column: ColumnData): Data {
  const { leaf, length, data } = column;
  if (leaf.kind === 'fixed') return nestFixed(arrow, leaf, length, data);
  const offsets = Int32Array.from(column.offsets as ArrayLike<number>);
  if (leaf.dtype === 'string') {
    return arrow.makeData({
      type: new arrow.Utf8(),
      length,
      nullCount: 0,
      valueOffsets: offsets,
      data: data as Uint8Array,
    });
  }
  if (leaf.dtype === 'bytes') {
    return arrow.makeData({
      type: new arrow.Binary(),
      length,
      nullCount: 0,
      valueOffsets: offsets,
      data: data as Uint8Array,
    });
  }
  const values = primitive(arrow, leaf.dtype, data.length, data);
  const list = arrow.makeData({
    type: new arrow.List(new arrow.Field('item', values.type, false)),
    length,
    nullCount: 0,
    valueOffsets: offsets,
    child: values,
  });
  if (!hasShapes(leaf)) return list;
  const rank = leaf.shape.length;
  const shape = fixedList(arrow, primitive(arrow, 'int32', length * rank, column.shapes as Int32Array), rank, length);
  const fields = [new arrow.Field('values', list.type, false), new arrow.Field('shape', shape.type, false)];
  return arrow.makeData({ type: new arrow.Struct(fields), length, nullCount: 0, children: [list, shape] });
}

function nestFixed(arrow: Arrow, leaf: Leaf, length: number, data: ColumnData['data']): Data {
  let made = primitive(arrow, leaf.dtype as NumericDType, length * leaf.size, data);
  let count = length * leaf.size;
  for (const size of (leaf.shape as readonly number[]).toReversed()) {
    count /= size;
    made = fixedList(arrow, made, size, count);
  }
  return made;
}

function fixedList(arrow: Arrow, child: Data, size: number, length: number): Data {
  const type = new arrow.FixedSizeList(size, new arrow.Field('item', child.type, false));
  return arrow.makeData({ type, length, nullCount: 0, child });
}

function primitive(arrow: Arrow, dtype: NumericDType, length: number, data: ColumnData['data']): Data {
  const type: DataType = {
    bool: () => new arrow.Uint8(),
    int8: () => new arrow.Int8(),
    uint8: () => new arrow.Uint8(),
    int16: () => new arrow.Int16(),
    uint16: () => new arrow.Uint16(),
    int32: () => new arrow.Int32(),
    uint32: () => new arrow.Uint32(),
    int64: () => new arrow.Int64(),
    uint64: () => new arrow.Uint64(),
    float16: () => new arrow.Float16(),
    float32: () => new arrow.Float32(),
    float64: () => new arrow.Float64(),
  }[dtype]();
  return arrow.makeData({ type, length, nullCount: 0, data } as never);
}

/** Magic and padding (8 bytes); schema and record batch, each a marker, the length of its metadata, the metadata; then the body. */
function bodyStartOf(chunks: readonly Uint8Array[]): number {
  const batch = 16 + int32At(chunks, 12);
  return batch + 8 + int32At(chunks, batch + 4);
}

function int32At(chunks: readonly Uint8Array[], position: number): number {
  let value = 0;
  let start = 0;
  for (const chunk of chunks) {
    for (let i = 0; i < 4; i++) {
      const at = position + i - start;
      if (at >= 0 && at < chunk.length) value |= (chunk[at] as number) << (8 * i);
    }
    start += chunk.length;
    if (start >= position + 4) break;
  }
  return value;
}
