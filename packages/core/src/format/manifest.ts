import { crc32 } from '../checksum/crc32.js';
import { DataRefError } from '../errors.js';
import { leavesOf, parseSchema, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { bodyBuffers, hasHeadFile, headBuffers, placeBuffers, totalBytes, type BufferSpec } from './layout.js';

/** Above this many bytes a manifest is refused before it is read. */
export const MANIFEST_LIMIT_BYTES = 256 * 2 ** 20;
const MAX_PARTS = 2 ** 20;
/** Parts times buffers: what checking a manifest costs. */
const MAX_BUFFERS = 2 ** 23;
const MAX_BUFFER_BYTES = 2 ** 31 - 1;

export interface PartInfo {
  readonly records: number;
  /** Of the Arrow file. */
  readonly byteLength: number;
  readonly crc32: number;
  /** Where the record batch's first buffer begins in the Arrow file. */
  readonly bodyStart: number;
  readonly headBytes: number;
  readonly headCrc32: number;
  /** Bytes of values of each column whose rows vary, in the columns' order. */
  readonly valueBytes: readonly number[];
}

export interface Manifest {
  readonly id: string;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly schema: Schema;
  readonly length: number;
  /** Of all files of the dataset but this one. */
  readonly byteLength: number;
  readonly fingerprint: string;
  /** Names the folder of the parts: `data/<generation>/`. */
  readonly generation: string;
  readonly parts: readonly PartInfo[];
}

/** The manifest's file: JSON whose last member is the CRC-32 of the text before it. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const leaves = leavesOf(manifest.schema);
  const layout = {
    alignment: 8,
    columns: leaves.map(({ name }) => name),
    body: bodyBuffers(leaves),
    head: headBuffers(leaves),
  };
  const { parts, ...rest } = manifest;
  const text = JSON.stringify({ format: 'dataref-dataset', formatVersion: 1, ...rest, layout }, null, 2).slice(0, -2);
  const lines = parts.map((part) => `    ${JSON.stringify(part)}`).join(',\n');
  const body = `${text},\n  "parts": [\n${lines}\n  ]`;
  const bytes = new TextEncoder().encode(body);
  return new TextEncoder().encode(`${body}${CRC_KEY}${crc32(bytes)}\n}\n`);
}
const CRC_KEY = ',\n  "crc32": ';

/**
 * The checked manifest of dataset id@version. Every size is held against the others, so that nothing is allocated or read
 * on its word alone.
 * @throws DataRefError CORRUPT, UNSUPPORTED for a newer format
 */
export function decodeManifest(bytes: Uint8Array, where: string, id: string, version: string): Manifest {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new DataRefError('CORRUPT', `${where}: ${problem}. Fetch another version, or submit the dataset again`, {
      cause,
      details: { where },
    });
  };
  const text = new TextDecoder().decode(bytes);
  const value = parseJson(text, refuse);
  if (value['format'] !== 'dataref-dataset') return refuse('is no manifest of a dataset');
  // Before the format's version is believed: every one ends with the checksum.
  checkCrc(text, value['crc32'], refuse);
  if (value['formatVersion'] !== 1) {
    throw new DataRefError(
      'UNSUPPORTED',
      `${where}: format version ${show(value['formatVersion'])}, this release reads 1`,
    );
  }
  if (value['id'] !== id || value['version'] !== version)
    return refuse(`is the manifest of ${show(value['id'])}@${show(value['version'])}, expected ${id}@${version}`);
  const schema = schemaOf(value['schema'], refuse);
  const leaves = leavesOf(schema);
  if (!Array.isArray(value['parts'])) return refuse('parts is no list');
  if (value['parts'].length > MAX_PARTS) return refuse(`has ${value['parts'].length} parts, at most ${MAX_PARTS}`);
  const columns = columnsOf(leaves);
  if (value['parts'].length * columns.body.length > MAX_BUFFERS)
    return refuse('has too many parts of too many columns');
  const parts = value['parts'].map((part: unknown, i) =>
    checkPart(part, leaves, columns, (problem) => refuse(`part ${i}: ${problem}`)),
  );
  const length = count(value['length'], 'length', refuse);
  const total = parts.reduce((sum, part) => sum + part.records, 0);
  if (total !== length) return refuse(`says ${length} records, its parts have ${total}`);
  if (!(Date.parse(show(value['createdAt'])) >= 0)) return refuse('createdAt is no time');
  return {
    id,
    version,
    createdAt: matching(value['createdAt'], 'createdAt', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, refuse),
    schema,
    length,
    byteLength: count(value['byteLength'], 'byteLength', refuse),
    fingerprint: matching(value['fingerprint'], 'fingerprint', /^sha256:[0-9a-f]{64}$/u, refuse),
    generation: matching(value['generation'], 'generation', /^[0-9a-f]{16}$/u, refuse),
    parts,
  };
}

type Refuse = (problem: string, cause?: unknown) => never;

function parseJson(text: string, refuse: Refuse): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    return refuse('is no JSON; it was cut short or damaged', error);
  }
  return refuse('is no JSON object');
}

function checkCrc(text: string, stored: unknown, refuse: Refuse): void {
  const end = text.lastIndexOf(CRC_KEY);
  const actual = end < 0 ? undefined : crc32(new TextEncoder().encode(text.slice(0, end)));
  if (actual !== stored) refuse(`its checksum is ${show(stored)}, the text has ${String(actual)}`);
  if (text.slice(end) !== `${CRC_KEY}${actual}\n}\n`) refuse('something follows its checksum');
}

function schemaOf(value: unknown, refuse: Refuse): Schema {
  try {
    return parseSchema(value);
  } catch (error) {
    return refuse((error as Error).message, error);
  }
}

/** What every part is checked against, made once. */
interface PartColumns {
  readonly variable: readonly Leaf[];
  readonly body: readonly BufferSpec[];
  /** Undefined where the body is the head. */
  readonly head: readonly BufferSpec[] | undefined;
}

function columnsOf(leaves: readonly Leaf[]): PartColumns {
  return {
    variable: leaves.filter(({ kind }) => kind !== 'fixed'),
    body: bodyBuffers(leaves),
    head: hasHeadFile(leaves) ? headBuffers(leaves) : undefined,
  };
}

function checkPart(value: unknown, leaves: readonly Leaf[], columns: PartColumns, refuse: Refuse): PartInfo {
  if (typeof value !== 'object' || value === null) return refuse('is no object');
  const part = value as Record<string, unknown>;
  const records = count(part['records'], 'records', refuse);
  const listed = part['valueBytes'];
  const { variable } = columns;
  if (!Array.isArray(listed) || listed.length !== variable.length)
    return refuse(`valueBytes must list ${variable.length} sizes`);
  const valueBytes = listed.map((bytes: unknown) => count(bytes, 'valueBytes', refuse));
  valueBytes.forEach((bytes, i) => {
    const { name, dtype, elementBytes } = variable[i] as Leaf;
    if (bytes % elementBytes !== 0) refuse(`valueBytes: ${name} has ${bytes} bytes, which are no whole ${dtype}s`);
  });
  const info: PartInfo = {
    records,
    byteLength: count(part['byteLength'], 'byteLength', refuse),
    crc32: count(part['crc32'], 'crc32', refuse),
    bodyStart: count(part['bodyStart'], 'bodyStart', refuse),
    headBytes: count(part['headBytes'], 'headBytes', refuse),
    headCrc32: count(part['headCrc32'], 'headCrc32', refuse),
    valueBytes,
  };
  const sizes = valueBytesByLeaf(leaves, info);
  const body = placeBuffers(columns.body, records, sizes);
  if (body.some(({ byteLength }) => byteLength > MAX_BUFFER_BYTES))
    return refuse('a buffer is larger than 2^31 − 1 bytes');
  if (info.bodyStart % 8 !== 0 || info.bodyStart + totalBytes(body) > info.byteLength) {
    return refuse(`its buffers end at byte ${info.bodyStart + totalBytes(body)}, the file at ${info.byteLength}`);
  }
  const head = totalBytes(columns.head === undefined ? body : placeBuffers(columns.head, records, sizes));
  if (info.headBytes !== head) return refuse(`its head has ${info.headBytes} bytes, ${records} records need ${head}`);
  return info;
}

/** A part's `valueBytes`, by the leaf that each belongs to. */
export function valueBytesByLeaf(leaves: readonly Leaf[], part: PartInfo): Map<number, number> {
  const sizes = new Map<number, number>();
  leaves.forEach((leaf, i) => {
    if (leaf.kind !== 'fixed') sizes.set(i, part.valueBytes[sizes.size] ?? 0);
  });
  return sizes;
}

/** A value of a manifest for a message, whatever it is. */
function show(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, 100);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function count(value: unknown, name: string, refuse: Refuse): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(`${name} is ${show(value)}, not an integer ≥ 0`);
}

function matching(value: unknown, name: string, pattern: RegExp, refuse: Refuse): string {
  return typeof value === 'string' && pattern.test(value) ? value : refuse(`${name} is malformed`);
}
