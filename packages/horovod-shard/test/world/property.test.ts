import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isDataRefError } from '@dataref/core';
import { detectWorld } from '@dataref/horovod-shard';
import { announceSeed, runs } from '../../../core/test/scale.js';

const seed = announceSeed('detectWorld');

const NUMBERS = `
  DATAREF_RANK DATAREF_SIZE DATAREF_LOCAL_RANK DATAREF_LOCAL_SIZE
  HOROVOD_RANK HOROVOD_SIZE HOROVOD_LOCAL_RANK HOROVOD_LOCAL_SIZE
  OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_RANK OMPI_COMM_WORLD_LOCAL_SIZE
  RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE
  PMI_RANK PMI_SIZE MPI_LOCALRANKID MPI_LOCALNRANKS
  MV2_COMM_WORLD_RANK MV2_COMM_WORLD_SIZE PMIX_RANK PMIX_NAMESPACE
  SLURM_JOB_ID SLURM_STEP_ID SLURM_STEPID SLURM_PROCID SLURM_NTASKS SLURM_STEP_NUM_TASKS
  SLURM_LOCALID SLURM_NODEID SLURM_STEP_TASKS_PER_NODE SLURM_JOB_NUM_NODES SLURM_NNODES
  JOB_COMPLETION_INDEX JOB_COMPLETIONS`
  .trim()
  .split(/\s+/u);

const anyText = fc.oneof(
  { weight: 6, arbitrary: fc.nat(9).map(String) },
  fc.constantFrom(
    '',
    ' 1',
    '-1',
    '1e3',
    '0x1',
    '٣',
    'NaN',
    '4294967290',
    '9'.repeat(30),
    '2(x3),1',
    '2(x',
    ',',
    '[]',
    '{}',
  ),
  fc.string(),
);
const anyJson = fc.oneof(
  fc.json(),
  fc.json().map((text) => text.slice(1)),
);
const hosts = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 });
const anyCluster = fc.record(
  {
    cluster: fc.oneof(
      fc.dictionary(fc.constantFrom('chief', 'master', 'worker', 'ps', '__proto__'), fc.oneof(hosts, fc.jsonValue())),
      fc.jsonValue(),
    ),
    task: fc.oneof(
      fc.record({
        type: fc.constantFrom('chief', 'master', 'worker', 'ps', '__proto__'),
        index: fc.oneof(fc.nat(4), fc.jsonValue()),
      }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
);
/** A few variables of any launchers, so that pairs are whole, half and mixed; sometimes whole pairs that fit. */
const anyEnvironment = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...NUMBERS), anyText, { maxKeys: 6 }),
    fc.record(
      {
        SM_HOSTS: fc.oneof(
          hosts.map((list) => JSON.stringify(list)),
          anyJson,
        ),
        SM_CURRENT_HOST: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string()),
        TF_CONFIG: fc.oneof(
          anyCluster.map((value) => JSON.stringify(value)),
          anyJson,
        ),
      },
      { requiredKeys: [] },
    ),
    fc.subarray(
      NUMBERS.filter((_, at) => at % 4 === 0 && at < 20),
      { maxLength: 2 },
    ),
    fc.nat(5),
  )
  .map(([numbers, texts, ranks, rank]) => {
    const pairs = ranks.flatMap((name) => [
      [name, String(rank)],
      [name.replace(/RANK$/u, 'SIZE').replace(/^SIZE$/u, 'WORLD_SIZE'), '6'],
    ]);
    return { ...numbers, ...texts, ...(Object.fromEntries(pairs) as Record<string, string>) };
  });

test('any environment gives a rank below the size, or an error that names one of its variables', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(anyEnvironment, (env) => {
      const before = JSON.stringify(env);
      try {
        const world = detectWorld(env);
        const { rank, size, localRank, localSize, shard } = world;
        expect([rank, size, localRank, localSize].every(Number.isSafeInteger)).toBe(true);
        expect(0 <= rank && rank < size && 0 <= localRank && localRank < localSize && localSize <= size).toBe(true);
        expect(shard).toEqual({ shardRank: rank, numShards: size });
        expect(detectWorld(env)).toEqual(world);
        taken++;
      } catch (error) {
        if (!isDataRefError(error, 'INVALID_ARGUMENT')) throw error;
        expect(Object.keys(env).some((name) => error.message.includes(name))).toBe(true);
        refused++;
      }
      expect(JSON.stringify(env)).toBe(before);
    }),
    { seed, numRuns: runs(20_000) },
  );
  console.info(`detectWorld: ${taken} taken, ${refused} refused`);
  expect(Math.min(taken, refused)).toBeGreaterThan(runs(20_000) / 50);
});

test('the ranks of a job are told apart, whatever the launcher', () => {
  const pair = fc.constantFrom(
    ['DATAREF_RANK', 'DATAREF_SIZE'],
    ['HOROVOD_RANK', 'HOROVOD_SIZE'],
    ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
    ['RANK', 'WORLD_SIZE'],
    ['PMI_RANK', 'PMI_SIZE'],
    ['SLURM_PROCID', 'SLURM_STEP_NUM_TASKS'],
    ['JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS'],
  );
  fc.assert(
    fc.property(pair, fc.integer({ min: 1, max: 40 }), ([rank = '', count = ''], size) => {
      const ranks = Array.from({ length: size }, (_, i) => i);
      const found = ranks.map((i) => detectWorld({ SLURM_STEP_ID: '0', [rank]: String(i), [count]: String(size) }));
      expect(found.map((world) => world.rank)).toEqual(ranks);
      expect(found.every((world) => world.size === size)).toBe(true);
    }),
    { seed, numRuns: runs(2000) },
  );
});
