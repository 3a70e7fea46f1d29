// One training run in a process of its own, for the rehearsal: tells its parent each step, and the hash at the end.
// It knows nothing of being killed: started again with the same arguments, it goes on from its checkpoint.
import { openDigits } from '@dataref-examples/mnist/digits';
import type { ModelName } from './models.js';
import { hashOf, train } from './training.js';

const [name, directory, checkpoint, epochs, everySteps] = process.argv.slice(2) as [
  ModelName,
  string,
  string,
  string,
  string,
];
const digits = await openDigits(directory);
const trained = await train({
  name,
  train: digits.train,
  epochs: Number(epochs),
  checkpoint,
  everySteps: Number(everySteps),
  // The parent must be able to stop us at this very step.
  onStep: ({ step }) => new Promise((resolve) => process.send?.({ step }, () => resolve())),
});
process.send?.({ hash: hashOf(trained) }, () => process.exit(0));
