import { DataRefError } from '@dataref/core';
import type { Catalog } from '../catalog.js';
import type { SaveBlobOptions } from '../options.js';

/** What TensorFlow.js takes for a place of models: `model.save(handler)`, `tf.loadLayersModel(handler)`. */
export interface TfModelHandler {
  save(artifacts: any): Promise<any>;
  load(): Promise<any>;
}

/**
 * A blob as a place for models of TensorFlow.js: `await model.save(tfModel(catalog, 'team/model'))` saves a version, and
 * `await tf.loadLayersModel(tfModel(catalog, 'team/model@best'))`, or `loadGraphModel`, loads one.
 * @param options of the versions that are saved
 * @throws DataRefError when it is used: as `saveBlob` and `loadBlob` do; CORRUPT for a blob that is no such model
 * @see https://js.tensorflow.org/api/latest/#tf.io.ModelArtifacts
 */
export function tfModel(catalog: Catalog, name: string, options: SaveBlobOptions = {}): TfModelHandler {
  return {
    async save(artifacts) {
      const { weightData, ...topology } = artifacts as { readonly weightData?: ArrayBuffer | readonly ArrayBuffer[] };
      const weights = (Array.isArray(weightData) ? weightData : [weightData ?? new ArrayBuffer(0)]) as ArrayBuffer[];
      const header = new TextEncoder().encode(JSON.stringify(topology));
      const size = new Uint8Array(8);
      new DataView(size.buffer).setBigUint64(0, BigInt(header.length), true);
      await catalog.saveBlob(name, [size, header, ...weights.map((buffer) => new Uint8Array(buffer))], options);
      const weightDataBytes = weights.reduce((sum, { byteLength }) => sum + byteLength, 0);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON', weightDataBytes } };
    },
    async load() {
      const bytes = await catalog.loadBlob(name, { signal: options.signal });
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
      const topology = 8 + length <= bytes.length ? parse(bytes.subarray(8, 8 + length)) : undefined;
      if (topology === undefined)
        throw new DataRefError('CORRUPT', `${name} is no model of TensorFlow.js that tfModel saved: use loadBlob`);
      return { ...topology, weightData: bytes.slice(8 + length).buffer };
    },
  };
}

function parse(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null && 'modelTopology' in value ? value : undefined;
  } catch {
    return undefined;
  }
}
