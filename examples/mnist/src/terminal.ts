import type { StepReport } from './training.js';

/** A line on stderr that follows the training: bar, loss, accuracy, samples a second, time left. Silent without a terminal, but for a line an epoch. */
export function trainingBar(epochs: number, stepsPerEpoch: number, batchSize: number) {
  const startMs = performance.now();
  let steps = 0;
  let shownMs = -Infinity;
  return ({ epoch, batch, loss, accuracy }: StepReport): void => {
    steps++;
    const now = performance.now();
    const isLast = batch + 1 === stepsPerEpoch;
    const isTerminal = process.stderr.isTTY;
    if (!isLast && (!isTerminal || now - shownMs < 100)) return;
    shownMs = now;
    const perSecond = steps / ((now - startMs) / 1000);
    const left = (epochs - epoch) * stepsPerEpoch - batch - 1;
    const share = (batch + 1) / stepsPerEpoch;
    const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
    const text =
      `epoch ${epoch + 1}/${epochs} ${bar} loss ${loss.toFixed(4)} accuracy ${accuracy.toFixed(4)} · ` +
      `${Math.round(perSecond * batchSize)} samples/s · ${Math.ceil(left / perSecond)} s left`;
    process.stderr.write(isTerminal ? `\r\u001b[2K${text}${isLast ? '\n' : ''}` : `${text}\n`);
  };
}
