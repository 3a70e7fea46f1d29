import type { CheckpointFacts } from './checkpoint.js';
import type { TrainingOptions } from './types.js';

/** What a checkpoint says of what made it. */
export type Maker = Pick<CheckpointFacts, 'modelHash' | 'runtime' | 'threads'>;

export interface MakerParts extends Pick<TrainingOptions, 'ort'> {
  readonly model: Uint8Array;
  readonly intraOpNumThreads?: number | undefined;
}

export function makerOf({ model, ort, intraOpNumThreads }: MakerParts): Maker {
  return {
    modelHash: process.getBuiltinModule('node:crypto').createHash('sha256').update(model).digest('hex'),
    runtime: versionOf(ort),
    threads: threadsOf(intraOpNumThreads),
  };
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
