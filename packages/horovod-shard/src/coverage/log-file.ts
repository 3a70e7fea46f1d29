/** What a log begins with: who wrote it. */
export const FORMAT = 'dataref-coverage';
export const VERSION = 1;

const NAME = /^run-(\d{1,15})\.rank-\d+\.jsonl$/u;

export function nameOf(run: number, rank: number): string {
  return `run-${run}.rank-${rank}.jsonl`;
}

/** The number of the run that a file of this name is of; undefined for any other file. */
export function runOfName(name: string): number | undefined {
  const [, run] = NAME.exec(name) ?? [];
  return run === undefined ? undefined : Number(run);
}
