// One training run in a process of its own: tells its parent each step, and the weights at the end. It knows nothing of being
// killed: started again with the same arguments, it goes on from its checkpoint.
import { useBackend, type Backend } from '@dataref-examples/mnist/backend';
import { train, weightsHash } from './training.js';
import { openTokens } from './whale.js';

const [directory, checkpoint, epochs, steps, backend] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  Backend,
];
await useBackend(backend);
const model = await train({
  tokens: await openTokens(directory),
  epochs: Number(epochs),
  steps: Number(steps),
  checkpoint,
  onResume: (epoch) => process.send?.({ resumed: epoch }),
  onStep: ({ epoch, batch }) => {
    process.send?.({ epoch, batch });
    // The parent must be able to stop us at this very step.
    return new Promise((resolve) => setImmediate(resolve));
  },
});
process.send?.({ hash: weightsHash(model) }, () => process.exit(0));
