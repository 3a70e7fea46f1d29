import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

export type Backend = 'cpu' | 'wasm' | 'node';

/** The backends that the suites run on: `DATAREF_TF_BACKEND`, or cpu and wasm in turn. */
export const backends: readonly Backend[] = wanted();

function wanted(): readonly Backend[] {
  const name = process.env['DATAREF_TF_BACKEND'];
  if (name === undefined) return ['cpu', 'wasm'];
  if (name === 'cpu' || name === 'wasm' || name === 'node') return [name];
  throw new Error(`DATAREF_TF_BACKEND is cpu, wasm or node, got ${name}`);
}

/** Makes a backend the current one. A missing one is an error: a suite that was asked for is never left out. */
export async function useBackend(backend: Backend): Promise<void> {
  if (backend === 'wasm') {
    const { resolve } = createRequire(import.meta.url);
    setWasmPaths(join(dirname(resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  }
  if (backend === 'node') {
    const tfjsNode = '@tensorflow/tfjs-node'; // not among the packages of the lock: .ci/tfjs-node.sh builds it
    await import(tfjsNode);
  }
  const isSet = await tf.setBackend(backend === 'node' ? 'tensorflow' : backend);
  if (!isSet) throw new Error(`the backend ${backend} of TensorFlow.js does not work here`);
}
