import { readdirSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import type { Progress } from '@dataref/core';
import { TokenDatasetProvider, type FromHubOptions } from '@dataref/text';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { HubServer } from '../hub/hub-server.js';
import { glue, sentencesParquet } from '../hub/sst2.js';
import { smallWordPiece } from '../tokenizer/small-wordpiece.js';

jest.setTimeout(120_000);
const SENTENCES = [
  'hide new secretions from the parental units ',
  'contains no wit , only labored gags ',
  'that loves its characters and communicates something rather beautiful about human nature ',
  'remains utterly satisfied to remain the same throughout ',
  'on the worst revenge-of-the-nerds clichés the filmmakers could dredge up ',
  "that 's far too tragic to merit such superficial treatment ",
  'demonstrates that the director of such hollywood blockbusters as patriot games can still turn out a small , personal film with an emotional wallop . ',
];
/** What Archai's notebook prints of them. */
const PRINTED = [
  24717, 649, 3200, 507, 422, 262, 21694, 4991, 220, 50256, 3642, 1299, 645, 20868, 837, 691, 2248, 1850, 308, 3775,
  220, 50256, 5562, 10408, 663, 3435, 290, 48556, 1223, 2138, 4950, 546, 1692, 3450, 220, 50256, 2787, 1299, 15950,
  11378, 284, 3520, 262, 976, 3690, 220, 50256, 261, 262, 5290, 15827, 12, 1659, 12, 1169, 12, 1008, 9310, 35478, 20954,
  262, 28303, 714, 47478, 469, 510, 220, 50256, 5562, 705, 82, 1290, 1165, 15444, 284, 17004, 884, 31194, 3513, 220,
  50256, 26567, 2536, 689, 326, 262, 3437, 286, 884, 289, 31777, 2512, 30181, 355, 29408, 1830, 460, 991, 1210, 503,
  257, 1402, 837, 2614, 2646, 351, 281, 7016, 3355, 404, 764, 220,
];

/** GLUE's SST-2 with so much of train that there are windows of 512. */
function serve(): Promise<HubServer> {
  const repository = glue();
  const train = sentencesParquet(Array.from({ length: 6 }, () => SENTENCES).flat(), 10);
  const files = { ...repository.files, 'sst2/train-00000-of-00001.parquet': train };
  const bert = { type: 'model', name: 'me/bert', files: { 'tokenizer.json': smallWordPiece() } } as const;
  const secret = { type: 'dataset', name: 'me/secret', files, token: 'hf_secret' } as const;
  return new HubServer({ ...repository, files }, bert, secret).listen();
}

const options = (server: HubServer, changes: Partial<FromHubOptions> = {}): FromHubOptions => ({
  datasetName: 'glue',
  datasetConfigName: 'sst2',
  tokenizerName: 'gpt2',
  mappingColumnName: ['sentence'],
  useSharedMemory: false,
  cacheDir: tempFolder(),
  hubUrl: server.url,
  workers: 1,
  ...changes,
});

test('the notebook of Archai gives what it prints, and gives it again from the cache', async () => {
  await using server = await serve();
  const given = options(server);
  const provider = await TokenDatasetProvider.fromHub(given);
  const [train, validation] = [
    await provider.dataset('train', { sequenceLength: 512 }),
    await provider.dataset('validation', { sequenceLength: 4 }),
  ];
  const { inputs, labels } = await train.at(0);
  expect(Array.from(inputs.data.subarray(0, PRINTED.length))).toEqual(PRINTED);
  expect(Array.from(labels.data.subarray(0, PRINTED.length - 1))).toEqual(PRINTED.slice(1));
  expect([inputs.shape, labels.shape, validation.length > 0]).toEqual([[512], [512], true]);

  const again = await TokenDatasetProvider.fromCache(provider.directory);
  expect((await (await again.dataset('train', { sequenceLength: 512 })).at(0)).inputs.data).toEqual(inputs.data);
  expect(again.config.origin).toMatchObject({ dataset: 'nyu-mll/glue', config: 'sst2' });
  const { downloads } = server;
  expect((await TokenDatasetProvider.fromHub(given)).directory).toBe(provider.directory);
  expect(server.downloads).toEqual(downloads);
  expect(readdirSync(given.cacheDir as string).filter((name) => !name.startsWith('.'))).toHaveLength(1);
});

test('progress tells of downloads, then of what is encoded and written', async () => {
  await using server = await serve();
  const phases: string[] = [];
  await TokenDatasetProvider.fromHub(
    options(server, { onProgress: ({ phase }: Progress) => phases.at(-1) !== phase && phases.push(phase) }),
  );
  expect(phases[0]).toBe('download');
  expect(phases.at(-1)).toBe('write');
  expect(phases).toContain('encode');
});

test("a hub's tokenizer is kept beside the tokens, as it was", async () => {
  await using server = await serve();
  const provider = await TokenDatasetProvider.fromHub(
    options(server, { tokenizerName: 'me/bert', useEosToken: false }),
  );
  const opened = await TokenDatasetProvider.fromCache(provider.directory);
  expect(opened.config.tokenizer).toEqual(provider.config.tokenizer);
  const text = 'hello worlds, a!';
  expect((await opened.tokenizer()).encode(text)).toEqual((await provider.tokenizer()).encode(text));
});

test.each([
  ['INVALID_ARGUMENT', /no EOS token/u, { tokenizerName: 'me/bert' }],
  ['NOT_FOUND', /me\/none/u, { tokenizerName: 'me/none' }],
  ['NOT_FOUND', /me\/nothing/u, { datasetName: 'me/nothing' }],
  ['NOT_FOUND', /me\/secret/u, { datasetName: 'me/secret' }],
  ['SCHEMA_MISMATCH', /sentense/u, { mappingColumnName: 'sentense' }],
  ['INVALID_ARGUMENT', /unknown option "dataset"/u, { dataset: 'glue' }],
] as const)('%s %s', async (code, message, changes) => {
  await using server = await serve();
  const given = options(server, changes as Partial<FromHubOptions>);
  await expect(TokenDatasetProvider.fromHub(given)).rejects.toEqual(failure(code, message));
  expect(readdirSync(given.cacheDir as string).filter((name) => !name.startsWith('.'))).toEqual([]);
});
