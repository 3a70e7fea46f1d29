/** Words in a name that tell its split, as `datasets` reads them. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'dev', 'val'],
  test: ['test', 'testing', 'eval', 'evaluation'],
};
const SHARD = /^([\w.]+)-\d{5}-of-\d{5}/u;

/**
 * Files by split, told by their names alone: `train-00000-of-00002.parquet`, then a word such as `dev` in the names of
 * files, then in those of folders; where no name tells, all are `train`. Files that tell none where others do are left out.
 * @see https://huggingface.co/docs/datasets/repository_structure
 */
export function splitsByName(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = [shardSplit, fileSplit, folderSplit]
    .map((splitOf) => grouped(paths, splitOf))
    .find(({ size }) => size > 0);
  return found ?? (paths.length === 0 ? new Map<string, string[]>() : new Map([['train', paths]]));
}

function grouped(
  paths: readonly string[],
  splitOf: (path: string) => string | undefined,
): ReadonlyMap<string, readonly string[]> {
  const splits = new Map<string, string[]>();
  for (const path of paths) {
    const split = splitOf(path);
    if (split === undefined) continue;
    const found = splits.get(split);
    if (found === undefined) splits.set(split, [path]);
    else found.push(path);
  }
  return splits;
}

function shardSplit(path: string): string | undefined {
  const name = SHARD.exec(baseOf(path))?.[1];
  return name === undefined ? undefined : (splitOfWord(name) ?? name);
}

function fileSplit(path: string): string | undefined {
  return splitOfWords(baseOf(path));
}

function folderSplit(path: string): string | undefined {
  return path
    .split('/')
    .slice(0, -1)
    .map(splitOfWords)
    .findLast((split) => split !== undefined);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function splitOfWords(name: string): string | undefined {
  return name
    .toLowerCase()
    .split(/[-._ 0-9]+/u)
    .map(splitOfWord)
    .find((split) => split !== undefined);
}

/** The split that a word stands for: `dev` is `validation`. */
export function splitOfWord(word: string): string | undefined {
  return Object.keys(WORDS).find((split) => WORDS[split]?.includes(word.toLowerCase()));
}
