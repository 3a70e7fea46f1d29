import { parentPort, workerData } from 'node:worker_threads';
import { TOKEN_DTYPES } from '../../../dist/npy/header.js';
import { openNpy } from '../../../dist/npy/npy-array.js';

// Begun by a thread that has the file open: it says what it finds at a place of it.
const { file, at } = workerData;
const tokens = await openNpy(file, TOKEN_DTYPES, { useSharedMemory: true, memoryLimitBytes: 0 });
const { data, starts } = await tokens.stretches([at], [1], undefined);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
parentPort.postMessage({ value: data[starts[0]], isHeld: tokens.isHeld });
