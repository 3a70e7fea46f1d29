import { Child } from './child.mjs';
import { median } from './statistics.mjs';

/** Seconds that one contestant should measure in a round. */
const ROUND_SECONDS = 0.4;

/**
 * Runs contestants in turns, a few epochs each, so that what else the machine does falls on all alike.
 * @param contestants `{ name, command, args }`; each answers as serve.mjs does
 * @returns by name: what it said of itself, its median seconds for an epoch, and the median of each round
 */
export async function contest(contestants, rounds) {
  const players = [];
  try {
    for (const { name, command, args } of contestants) {
      const child = new Child(command, args);
      players.push({ name, child, medians: [] });
      players.at(-1).facts = await child.answer();
      const { seconds } = await child.ask(4);
      players.at(-1).epochs = Math.max(1, Math.min(50, Math.round(ROUND_SECONDS / Math.min(...seconds))));
    }
    for (let i = 0; i < rounds; i++) {
      for (const player of players) {
        // The first half of a turn finds the caches full of the others' data, and optimised code thrown away.
        const { seconds } = await player.child.ask(2 * player.epochs);
        player.medians.push(median(seconds.slice(player.epochs)));
      }
    }
    const results = new Map();
    for (const { name, child, facts, medians, epochs } of players) {
      results.set(name, {
        ...facts,
        ...(await child.end()),
        medians,
        seconds: median(medians),
        epochs: epochs * rounds,
      });
    }
    return results;
  } finally {
    for (const { child } of players) child.kill();
  }
}

/** How often faster the first is: the median over rounds, each compared with its own neighbour. */
export function ratio(ours, theirs) {
  return median(ours.medians.map((seconds, i) => theirs.medians[i] / seconds));
}
