import { DataRefError, type Progress } from '@dataref/core';
import { eachAtOnce, endedByAbort, ioOptionsOf, refuseUnknown, reporter, withLastReport } from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';
import type { ChunkedArray } from '../array/types.js';
import { StoredArrays, type Arrays } from '../arrays.js';
import type { ChunkSource } from '../chunks/chunk-source.js';
import type { Compressor } from '../codec/codecs-of.js';
import type { ArrayDataset } from '../dataset/array-dataset.js';
import type { JsonObject } from '../metadata/array-metadata.js';
import { readSelection } from '../selection/copy.js';
import { chunkParts } from '../selection/grid.js';
import { resolveSelection } from '../selection/resolve.js';
import { slice } from '../selection/slice.js';
import { corruptFile, hubFolder, hubPath, type HubFiles } from './files.js';
import { HubArray, type HubCodec } from './hub-array.js';

export interface ImportHubV1Options extends IoOptions {
  /** What becomes of arrays that have the names already. `'error'` (default) leaves them as they are. */
  readonly ifExists?: 'error' | 'replace' | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** JPEG would lose once more what it has lost: its images become PNG. */
const COMPRESSORS: Readonly<Record<HubCodec, Compressor>> = {
  default: 'zstd',
  gzip: 'gzip',
  zlib: 'zlib',
  lz4: 'lz4',
  jpeg: 'png',
  png: 'png',
};
const INFO_LIMIT_BYTES = 2 ** 20;
const CHUNKS_AT_ONCE = 4;

/**
 * Copies an array or a dataset that Hub v1 stored (hub 0.5 to 0.8, `hub.fs`, `hub.s3`, `hub.gs`) under the same names, and
 * opens it. Chunks keep their shape; those that were never written stay so. An array that cannot be copied whole is removed
 * again, and nobody opens one before it is whole; one whose import was killed is imported anew by the next. Pickles are read as plain data: none can run
 * code.
 * @param from a local folder, or what reads its files
 * @param name as Hub had it, such as `'mnist/train:images'`
 * @throws DataRefError NOT_FOUND; CORRUPT, UNSUPPORTED name the file; ALREADY_EXISTS, INVALID_ID, MISSING_PACKAGE for images
 *   without sharp, STORE_FAILED, DISK_FULL
 */
export async function importHubV1(
  arrays: Arrays,
  from: string | HubFiles,
  name: string,
  options: ImportHubV1Options = {},
): Promise<ChunkedArray | ArrayDataset> {
  const { signal, ifExists, onProgress, ...unknown } = ioOptionsOf('importHubV1', options);
  refuseUnknown('importHubV1', unknown, ['signal', 'ifExists', 'onProgress']);
  if (!(arrays instanceof StoredArrays))
    throw new DataRefError('INVALID_ARGUMENT', 'importHubV1: arrays must be what openArrays gives');
  const files = typeof from === 'string' ? hubFolder(from) : from;
  return endedByAbort(signal, () =>
    withLastReport(onProgress, async (tell) => {
      const info = await readInfo(files, hubPath(name));
      if (info['paths'] === undefined) {
        const source = new HubArray(name, info, files);
        const report = reporter(tell, 'import', chunkCount(source), 'parts');
        return importArray(arrays, files, name, source, { ifExists, signal }, report);
      }
      const components = Object.entries(componentsOf(name, info));
      const sources = await Promise.all(
        components.map(async ([, path]) => new HubArray(path, await readInfo(files, path), files)),
      );
      const total = sources.reduce((sum, source) => sum + chunkCount(source), 0);
      const report = reporter(tell, 'import', total, 'parts');
      const opened: Record<string, ChunkedArray> = {};
      let before = 0;
      for (const [i, [component, path]] of components.entries()) {
        const source = sources[i] as HubArray;
        const start = before;
        opened[component] = await importArray(arrays, files, path, source, { ifExists, signal }, (done) =>
          report(start + done),
        );
        before += chunkCount(source);
      }
      return arrays.dataset(name, opened, { ifExists, signal }) as Promise<ArrayDataset>;
    }),
  );
}

async function importArray(
  arrays: StoredArrays,
  files: HubFiles,
  name: string,
  source: HubArray,
  { ifExists, signal }: ImportHubV1Options,
  report: (done: number) => void,
): Promise<ChunkedArray> {
  const { shape, chunk, dtype, codec, shapesName } = source;
  const shapes =
    shapesName === undefined ? undefined : new HubArray(shapesName, await readInfo(files, shapesName), files);
  const options = {
    shape,
    chunk,
    dtype,
    compress: COMPRESSORS[codec],
    recordAxes: shapes && shapes.shape.length - 1,
    ifExists,
    signal,
  };
  return arrays.filledArray(name, options, async (array) => {
    await copyChunks(source, array, signal, report);
    if (shapes !== undefined && array.shapes !== undefined) {
      const all = await readSelection(shapes, resolveSelection('importHubV1', shapes.shape, []), { signal });
      await array.shapes.set([], all, { signal });
    }
  });
}

async function copyChunks(
  source: HubArray,
  array: ChunkedArray,
  signal: AbortSignal | undefined,
  report: (done: number) => void,
): Promise<void> {
  const { shape, chunk } = source;
  let done = 0;
  await eachAtOnce(
    chunkParts(source, resolveSelection('importHubV1', shape, [])),
    CHUNKS_AT_ONCE,
    async ({ place }) => {
      const values = await source.readChunk(place);
      if (values !== undefined) {
        const places = place.map((at, axis) => {
          const size = chunk[axis] as number;
          return slice(at * size, Math.min((at + 1) * size, shape[axis] as number));
        });
        // Of a chunk at the end, what is within the array.
        const held: ChunkSource = { dtype: source.dtype, shape, chunk, readChunk: async () => values };
        const cut = await readSelection(held, resolveSelection('importHubV1', shape, places));
        await array.set(places, cut, { signal });
      }
      report(++done);
    },
    signal,
  );
}

async function readInfo(files: HubFiles, name: string): Promise<JsonObject> {
  const path = `${name}/info.json`;
  const bytes = await files.read(path, INFO_LIMIT_BYTES);
  if (bytes === undefined)
    throw new DataRefError('NOT_FOUND', `${path} is not there: Hub has no array or dataset ${JSON.stringify(name)}`, {
      details: { name },
    });
  try {
    const info: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof info === 'object' && info !== null && !Array.isArray(info)) return info as JsonObject;
  } catch (cause) {
    throw corruptFile(path, 'is no JSON', cause);
  }
  throw corruptFile(path, 'is no object');
}

/** Names of a dataset's arrays, by component. */
function componentsOf(name: string, { paths }: JsonObject): Readonly<Record<string, string>> {
  const entries = typeof paths === 'object' && paths !== null ? Object.entries(paths) : [];
  if (entries.length === 0) throw corruptFile(`${name}/info.json`, 'paths: must name the arrays of the components');
  return Object.fromEntries(entries.map(([component, path]) => [component, hubPath(path as string)]));
}

function chunkCount({ shape, chunk }: HubArray): number {
  return shape.reduce((count, size, axis) => count * Math.ceil(size / (chunk[axis] as number)), 1);
}
