import { DataRefError } from '@dataref/core';
import { describeValue, lazyPackage, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Catalog } from '../catalog.js';
import type { SaveBlobOptions } from '../options.js';
import type { VersionInfo } from '../record/version-info.js';
import { piecesOf, type BlobBytes } from './bytes.js';
import { onnxFilePieces, onnxPieces } from './onnx-pieces.js';
import { OnnxReader } from './onnx-reader.js';

/** What of onnxruntime makes a session: `import * as ort from 'onnxruntime-node'`, or 'onnxruntime-web'. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options?: any): Promise<any> };
}

/** @ts-ignore where it is not installed, a session of it is any */
type InstalledRuntime = typeof import('onnxruntime-node');

export interface LoadOnnxOptions<O extends OnnxRuntime> {
  /** Default: onnxruntime-node, as it is installed. */
  readonly ort?: O | undefined;
  /** What `ort.InferenceSession.create` takes. */
  readonly sessionOptions?: Parameters<O['InferenceSession']['create']>[1];
}

/** A model as `ort.InferenceSession.create(model, { externalData })` takes it. */
export interface OnnxBytes {
  readonly model: Uint8Array;
  /** The files that its tensors lie in; none where it has them itself. */
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** A blob as a place for ONNX models. */
export interface OnnxModelHandler {
  /**
   * Saves a version, in bounded memory. Its bytes are those of the model; files that a model has tensors in, which must lie
   * beside it, are kept behind them.
   * @param model a path or file: URL; bytes, or pieces of them, such as `inferenceGraph(parameters)` of @dataref/onnx/graph
   * @throws DataRefError INVALID_ARGUMENT for what is no model, or cut short, and for bytes of one with tensors in files;
   *   NOT_FOUND for a path; and as `saveBlob` does
   */
  save(model: string | URL | BlobBytes): Promise<VersionInfo>;
  /**
   * A session of the model.
   * @throws DataRefError MISSING_PACKAGE without onnxruntime; as `loadBytes`; and what onnxruntime throws of a model that it
   *   cannot run
   */
  load<O extends OnnxRuntime = InstalledRuntime>(
    options?: LoadOnnxOptions<O>,
  ): Promise<Awaited<ReturnType<O['InferenceSession']['create']>>>;
  /** The model's bytes. @throws DataRefError as `loadBlob` does; CORRUPT for a blob that is no such model */
  loadBytes(): Promise<OnnxBytes>;
}

const loadRuntime = lazyPackage(
  'onnxruntime-node',
  () => import('onnxruntime-node'),
  "sessions of ONNX models need onnxruntime: npm i onnxruntime-node, or give another: onnxModel(catalog, 'name').load({ ort })",
);

/**
 * A blob as a place for ONNX models: `await onnxModel(catalog, 'team/model').save('model.onnx')` saves a version, and
 * `await onnxModel(catalog, 'team/model@best').load({ ort })` gives a session of one.
 * @param options of the versions that are saved
 * @throws DataRefError when it is used
 * @see https://onnx.ai/onnx/repo-docs/ExternalData.html
 */
export function onnxModel(catalog: Catalog, name: string, options: SaveBlobOptions = {}): OnnxModelHandler {
  const loadBytes = async (): Promise<OnnxBytes> => {
    const bytes = await catalog.loadBlob(name, { signal: options.signal });
    const reader = new OnnxReader((problem) => {
      throw new DataRefError('CORRUPT', `${name} ${problem}: use loadBlob`);
    });
    reader.push(bytes);
    const { needed, kept, modelEnd } = reader.end();
    const externalData = Array.from(needed.keys(), (path) => {
      const place = kept.get(path);
      if (place !== undefined) return { path, data: bytes.subarray(place.start, place.end) };
      throw new DataRefError('CORRUPT', `${name} has tensors in a file that is not kept with it: save it by its path`);
    });
    return { model: bytes.subarray(0, modelEnd), externalData };
  };
  return {
    async save(model) {
      const isPath = typeof model === 'string' || Object.prototype.toString.call(model) === '[object URL]';
      return catalog.saveBlob(
        name,
        isPath ? onnxFilePieces(model as string | URL) : onnxPieces(piecesOf('onnxModel: save', model, CURE)),
        options,
      );
    },
    async load(given) {
      const { ort, sessionOptions, ...unknown } = optionsOf('onnxModel: load', given);
      refuseUnknown('onnxModel: load', unknown, ['ort', 'sessionOptions']);
      const ownOptions = optionsOf('onnxModel: sessionOptions', sessionOptions);
      const { InferenceSession } = ort === undefined ? await loadRuntime() : checkRuntime(ort);
      const { model, externalData } = await loadBytes();
      return InferenceSession.create(model, { ...ownOptions, ...(externalData.length > 0 && { externalData }) });
    },
    loadBytes,
  };
}

const CURE =
  "the path of a model's file will do too; of a network of @dataref/onnx/graph, network.inferenceGraph(parameters)";

function checkRuntime(ort: OnnxRuntime): OnnxRuntime {
  const { InferenceSession } = Object(ort) as Partial<OnnxRuntime>;
  if (typeof InferenceSession?.create === 'function') return ort;
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `onnxModel: load: ort must be onnxruntime, import * as ort from 'onnxruntime-node', got ${describeValue(ort)}`,
  );
}
