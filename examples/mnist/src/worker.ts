// One training run in a process of its own, for the rehearsal: tells its parent each step, and the weights at the end.
// It knows nothing of being killed: started again with the same arguments, it goes on from its checkpoint.
import { useBackend, type Backend } from './backend.js';
import { openDigits } from './digits.js';
import { train, weightsHash } from './training.js';

const [directory, checkpoint, epochs, everyBatches, backend] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  Backend,
];
await useBackend(backend);
const digits = await openDigits(directory);
const model = await train({
  train: digits.train,
  epochs: Number(epochs),
  checkpoint,
  everyBatches: Number(everyBatches),
  onResume: (epoch) => process.send?.({ resumed: epoch }),
  onStep: ({ epoch, batch }) => {
    process.send?.({ epoch, batch });
    // The parent must be able to stop us at this very step.
    return new Promise((resolve) => setImmediate(resolve));
  },
});
process.send?.({ hash: weightsHash(model) }, () => process.exit(0));
