// A reporter for jest: what each suite took, longest first, and the random seeds that it drew, to repeat it with.
import { relative } from 'node:path';

const SEED = /^(.*): (DATAREF_TEST_SEED=\d+)$/u;

export default class Minutes {
  #suites = [];

  onTestResult({ path, context }, { console: said, perfStats: { start, end } }) {
    const seeds = (said ?? []).flatMap(({ message }) => SEED.exec(message)?.[2] ?? []);
    this.#suites.push({ name: relative(context.config.rootDir, path), minutes: (end - start) / 60_000, seeds });
  }

  onRunComplete() {
    const lines = this.#suites
      .toSorted((a, b) => b.minutes - a.minutes)
      .filter(({ minutes, seeds }) => minutes >= 0.05 || seeds.length > 0)
      .map(({ name, minutes, seeds }) =>
        `${minutes.toFixed(2).padStart(6)} min  ${name}  ${seeds.join(' ')}`.trimEnd(),
      );
    const rest = this.#suites.length - lines.length;
    console.log(`\nMinutes of the suites, and their seeds:\n${lines.join('\n')}\n${rest} more of less than 3 s each\n`);
  }
}
