import { parquetWriteBuffer } from 'hyparquet-writer';
import type { HubRepository } from './hub-server.js';

/** The first sentences of SST-2's train, whose ids by GPT-2 the seed prints. */
export const TRAIN_SENTENCES = [
  'hide new secretions from the parental units ',
  'contains no wit , only labored gags ',
  'that loves its characters and communicates something rather beautiful about human nature ',
];
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  train: [
    ...TRAIN_SENTENCES,
    'remains utterly satisfied to remain the same throughout ',
    'on the worst revenge-of-the-nerds clichés the filmmakers could dredge up ',
  ],
  validation: ["it 's a charming and often affecting journey . ", 'unflinchingly bleak and desperate '],
  test: [
    'uneasy mishmash of styles and genres .',
    "this film 's relationship to actual tension is the same as what christmas-tree flocking .",
  ],
};

/** Rows as GLUE's SST-2 has them, in row groups of so many. */
export function sentencesParquet(sentences: readonly string[], rowGroupSize = 2): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'sentence', data: [...sentences], type: 'STRING' },
        { name: 'label', data: sentences.map((_, i) => BigInt(i % 2)), type: 'INT64' },
        { name: 'idx', data: sentences.map((_, i) => i), type: 'INT32' },
      ],
      rowGroupSize,
    }),
  );
}

/** `glue` as the hub has it: known by its old name too, several configurations, Parquet files of its own. */
export function glue(): HubRepository {
  const pathOf = (split: string) => `sst2/${split}-00000-of-00001.parquet`;
  const splits = Object.keys(SENTENCES);
  return {
    type: 'dataset',
    name: 'nyu-mll/glue',
    alias: 'glue',
    files: {
      '.gitattributes': '*.parquet filter=lfs',
      'README.md': '# GLUE',
      ...Object.fromEntries(splits.map((split) => [pathOf(split), sentencesParquet(SENTENCES[split] ?? [])])),
      'cola/train-00000-of-00001.parquet': sentencesParquet(['Our friends will not buy this analysis.']),
    },
    card: {
      configs: [
        { config_name: 'sst2', data_files: splits.map((split) => ({ split, path: `sst2/${split}-*` })) },
        { config_name: 'cola', data_files: [{ split: 'train', path: 'cola/train-*' }] },
      ],
    },
  };
}
