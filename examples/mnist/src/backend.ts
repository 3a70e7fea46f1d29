import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as wasm from '@tensorflow/tfjs-backend-wasm';

export const BACKENDS = ['node', 'wasm', 'cpu'] as const;
export type Backend = (typeof BACKENDS)[number];

const require = createRequire(import.meta.url);

/** Sets the best backend that works here, or the one that was asked for. Returns its name. */
export async function useBackend(wanted: Backend | undefined): Promise<Backend> {
  for (const backend of wanted === undefined ? BACKENDS : [wanted]) {
    if (await tryBackend(backend)) return backend;
  }
  throw new Error(`the backend ${wanted} does not work here; there are ${BACKENDS.join(', ')}`);
}

async function tryBackend(backend: Backend): Promise<boolean> {
  if (backend === 'node') {
    // An optional package with a native addon: absent, or not built, it throws.
    const tfjsNode = '@tensorflow/tfjs-node';
    const isThere = await import(tfjsNode).then(
      () => true,
      () => false,
    );
    return isThere && (await tf.setBackend('tensorflow'));
  }
  if (backend === 'wasm') {
    wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  }
  return (await tf.setBackend(backend)) && (await tf.ready().then(() => true));
}
