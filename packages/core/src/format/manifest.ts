import { DataRefError, shown } from '../errors.js';
import { leavesOf, parseSchema, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { bodyBuffers, hasHeadFile, headBuffers, placeBuffers, totalBytes, type BufferSpec } from './layout.js';
import { count, matching, seal, show, unseal, type Refuse } from './sealed-json.js';

/** Above this many bytes a manifest is refused before it is read. */
export const MANIFEST_LIMIT_BYTES = 256 * 2 ** 20;
export const MAX_PARTS = 2 ** 20;
/** Version 2 is version 1 with parts in several generations, and is only written for such datasets. */
const FORMAT_VERSIONS: readonly unknown[] = [1, 2];
const GENERATION = /^[0-9a-f]{16}$/u;
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
  /** The generation that the part lies in, where it is not the manifest's. */
  readonly generation?: string;
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
  /** Names the folder of the parts that name no other: `data/<generation>/`. No two commits have the same. */
  readonly generation: string;
  readonly parts: readonly PartInfo[];
}

/** The manifest's file. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const isSpread = manifest.parts.some(({ generation }) => generation !== undefined);
  return encodeContents({ format: 'dataref-dataset', formatVersion: isSpread ? 2 : 1 }, manifest);
}

/** A manifest's members after others. */
export function encodeContents(first: object, manifest: Manifest): Uint8Array {
  const leaves = leavesOf(manifest.schema);
  const layout = {
    alignment: 8,
    columns: leaves.map(({ name }) => name),
    body: bodyBuffers(leaves),
    head: headBuffers(leaves),
  };
  const { parts, ...rest } = manifest;
  const text = JSON.stringify({ ...first, ...rest, layout }, null, 2).slice(0, -2);
  const lines = parts.map((part) => `    ${JSON.stringify(part)}`).join(',\n');
  return seal(`${text},\n  "parts": [\n${lines}\n  ]`);
}

/**
 * The checked manifest of dataset id@version. Every size is held against the others, so that nothing is allocated or read
 * on its word alone.
 * @throws DataRefError CORRUPT, UNSUPPORTED for a newer format
 */
export function decodeManifest(bytes: Uint8Array, where: string, id: string, version: string): Manifest {
  const refuse = refusal(where, 'Fetch another version, or submit the dataset again');
  const value = unseal(bytes, 'dataref-dataset', 'is no manifest of a dataset', refuse);
  if (!FORMAT_VERSIONS.includes(value['formatVersion'])) throw newerFormat(where, value, '1 and 2');
  return checkContents(value, id, version, value['formatVersion'] === 2, refuse);
}

/** What refuses a file, saying where it is and what to do. */
export function refusal(where: string, advice: string): Refuse {
  return (problem) => {
    throw new DataRefError('CORRUPT', `${where}: ${shown(problem, 1_000)}. ${advice}`, { details: { where } });
  };
}

export function newerFormat(where: string, value: Record<string, unknown>, known: string): DataRefError {
  return new DataRefError(
    'UNSUPPORTED',
    `${where}: format version ${show(value['formatVersion'])}, this release reads ${known}`,
  );
}

/** The members that describe parts, checked. @param isSpread whether parts may name generations of their own */
export function checkContents(
  value: Record<string, unknown>,
  id: string,
  version: string,
  isSpread: boolean,
  refuse: Refuse,
): Manifest {
  if (value['id'] !== id || value['version'] !== version)
    return refuse(`is the manifest of ${show(value['id'])}@${show(value['version'])}, expected ${id}@${version}`);
  const schema = schemaOf(value['schema'], refuse);
  const leaves = leavesOf(schema);
  if (!Array.isArray(value['parts'])) return refuse('parts is no list');
  if (value['parts'].length > MAX_PARTS) return refuse(`has ${value['parts'].length} parts, at most ${MAX_PARTS}`);
  const columns = columnsOf(leaves);
  if (value['parts'].length * columns.body.length > MAX_BUFFERS)
    return refuse('has too many parts of too many columns');
  const parts = value['parts'].map((part: unknown, i): PartInfo => {
    const refusePart: Refuse = (problem) => refuse(`part ${i}: ${problem}`);
    const info = checkPart(part, leaves, columns, refusePart);
    const { generation } = part as Record<string, unknown>;
    if (!isSpread || generation === undefined) return info;
    return { ...info, generation: matching(generation, 'generation', GENERATION, refusePart) };
  });
  const length = count(value['length'], 'length', refuse);
  const total = parts.reduce((sum, part) => sum + part.records, 0);
  if (total !== length) return refuse(`says ${length} records, its parts have ${total}`);
  const byteLength = count(value['byteLength'], 'byteLength', refuse);
  const hasHeads = columns.head !== undefined;
  const totalByteLength = parts.reduce((sum, part) => sum + part.byteLength + (hasHeads ? part.headBytes : 0), 0);
  if (totalByteLength !== byteLength)
    return refuse(`says ${byteLength} bytes, the files of its parts have ${totalByteLength}`);
  if (!(Date.parse(show(value['createdAt'])) >= 0)) return refuse('createdAt is no time');
  return {
    id,
    version,
    createdAt: matching(value['createdAt'], 'createdAt', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, refuse),
    schema,
    length,
    byteLength,
    fingerprint: matching(value['fingerprint'], 'fingerprint', /^sha256:[0-9a-f]{64}$/u, refuse),
    generation: matching(value['generation'], 'generation', GENERATION, refuse),
    parts,
  };
}

function schemaOf(value: unknown, refuse: Refuse): Schema {
  try {
    return parseSchema(value);
  } catch (error) {
    return refuse((error as Error).message);
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
