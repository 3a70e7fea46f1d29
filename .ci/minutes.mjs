// A reporter for jest: what each suite took, longest first, the random seeds that it drew, to repeat it with, and what failed.
import { relative } from 'node:path';

const SEED = /^(.*): (DATAREF_TEST_SEED=\d+)$/u;
const MOST_TOLD = 3000;

export default class Minutes {
  #suites = [];
  #failures = [];

  onTestResult({ path, context }, { console: said, perfStats: { start, end }, failureMessage, testResults }) {
    const seeds = (said ?? []).flatMap(({ message }) => SEED.exec(message)?.[2] ?? []);
    const name = relative(context.config.rootDir, path);
    this.#suites.push({ name, minutes: (end - start) / 60_000, seeds });
    if (!failureMessage) return;
    const failed = testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    this.#failures.push({ name, failed, why: failureMessage.slice(0, MOST_TOLD) });
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
    // Said again where whoever reads the end of a long log finds it; why at first, as it may be long.
    for (const { name, why } of this.#failures) console.log(`FAILED ${name}\n${why}\n`);
    for (const { name, failed } of this.#failures) console.log([`FAILED ${name}`, ...failed].join('\n  '));
  }
}
