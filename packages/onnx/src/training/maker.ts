import type { Hash } from 'node:crypto';
import type { CheckpointFacts } from './checkpoint.js';
import type { TrainingOptions } from './types.js';

/** What a checkpoint says of what made it. */
export type Maker = Pick<CheckpointFacts, 'modelHash' | 'runtime' | 'threads'>;

/** The bytes of a graph, or of all that a step is made by, in an order that stays. */
export type Models = Uint8Array | readonly Uint8Array[];

export interface MakerParts extends Pick<TrainingOptions, 'ort'> {
  readonly model: Models;
  readonly intraOpNumThreads?: number | undefined;
}

export function makerOf({ model, ort, intraOpNumThreads }: MakerParts): Maker {
  return {
    modelHash: modelHashOf(model),
    runtime: versionOf(ort),
    threads: threadsOf(intraOpNumThreads),
  };
}

/** SHA-256 of a graph's bytes, hexadecimal; of several, that of their hashes, one after another. */
export function modelHashOf(model: Models): string {
  const models = Array.isArray(model) ? (model as readonly Uint8Array[]) : [model as Uint8Array];
  const hashes = models.map((bytes) => sha256(bytes).digest());
  const [only] = hashes;
  return (only !== undefined && hashes.length === 1 ? only : sha256(...hashes).digest()).toString('hex');
}

export function areModels(model: unknown): model is Models {
  return isModel(model) || (Array.isArray(model) && model.length > 0 && model.every(isModel));
}

function sha256(...pieces: readonly Uint8Array[]): Hash {
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash;
}

export function isModel(model: unknown): boolean {
  return ArrayBuffer.isView(model) && Object.prototype.toString.call(model) === '[object Uint8Array]';
}

function versionOf({ env }: TrainingOptions['ort']): string {
  const { node, web, common = 'of unknown version' } = env?.versions ?? {};
  if (node !== undefined) return `onnxruntime-node ${node}`;
  return web === undefined ? `onnxruntime ${common}` : `onnxruntime-web ${web}`;
}

function threadsOf(intraOpNumThreads: number | undefined): string {
  if (intraOpNumThreads !== undefined && intraOpNumThreads > 0) return String(intraOpNumThreads);
  return `default on a machine of ${process.getBuiltinModule('node:os').availableParallelism()}`;
}
