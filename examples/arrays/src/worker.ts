// One training run in a process of its own. It knows nothing of being killed: started again, it goes on from its checkpoint.
import { FileStorage } from '@dataref/core/fs';
import { openArrays } from '@dataref/arrays';
import * as tf from '@tensorflow/tfjs';
import { train } from './training.js';

const [directory, checkpoint] = process.argv.slice(2) as [string, string];
await tf.setBackend('cpu');
const ds = await openArrays(new FileStorage(directory)).openDataset('mnist/train');
// The parent has heard of a step before the next one begins.
const tell = (step: number, loss: number) =>
  new Promise<void>((resolve) => process.send?.({ step, loss }, () => resolve()));
await train(ds, checkpoint, tell);
process.disconnect();
