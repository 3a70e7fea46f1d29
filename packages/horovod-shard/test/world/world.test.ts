import { describe, expect, test } from '@jest/globals';
import { fromColumns } from '@dataref/core';
import { detectWorld } from '@dataref/horovod-shard';

type Variables = Record<string, string>;

const four = ([rank, size, localRank, localSize]: readonly string[]): Variables => ({
  [rank!]: '5',
  [size!]: '8',
  [localRank!]: '1',
  [localSize!]: '4',
});
const LAUNCHERS: Record<string, Variables> = {
  explicit: four(['DATAREF_RANK', 'DATAREF_SIZE', 'DATAREF_LOCAL_RANK', 'DATAREF_LOCAL_SIZE']),
  horovod: four(['HOROVOD_RANK', 'HOROVOD_SIZE', 'HOROVOD_LOCAL_RANK', 'HOROVOD_LOCAL_SIZE']),
  openmpi: four([
    'OMPI_COMM_WORLD_RANK',
    'OMPI_COMM_WORLD_SIZE',
    'OMPI_COMM_WORLD_LOCAL_RANK',
    'OMPI_COMM_WORLD_LOCAL_SIZE',
  ]),
  torchrun: four(['RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE']),
  pmi: four(['PMI_RANK', 'PMI_SIZE', 'MPI_LOCALRANKID', 'MPI_LOCALNRANKS']),
  mvapich: four([
    'MV2_COMM_WORLD_RANK',
    'MV2_COMM_WORLD_SIZE',
    'MV2_COMM_WORLD_LOCAL_RANK',
    'MV2_COMM_WORLD_LOCAL_SIZE',
  ]),
  slurm: {
    SLURM_JOB_ID: '9',
    SLURM_STEP_ID: '0',
    SLURM_NTASKS: '8',
    SLURM_STEP_NUM_TASKS: '8',
    SLURM_PROCID: '5',
    SLURM_LOCALID: '1',
    SLURM_NODEID: '2',
    SLURM_STEP_TASKS_PER_NODE: '2(x2),4',
  },
  kubernetes: { JOB_COMPLETION_INDEX: '5', JOB_COMPLETIONS: '8' },
  sagemaker: {
    SM_HOSTS: JSON.stringify(Array.from({ length: 8 }, (_, i) => `algo-${i + 1}`)),
    SM_CURRENT_HOST: 'algo-6',
  },
  tf_config: { TF_CONFIG: tfConfig({ chief: 1, worker: 7, ps: 2 }, { type: 'worker', index: 4 }) },
};
/** They place machines, on each of which this worker is the only one. */
const OF_MACHINES = ['kubernetes', 'sagemaker', 'tf_config'];

function tfConfig(sizes: Record<string, number>, task: object): string {
  const addresses = ([role, size]: [string, number]) => [
    role,
    Array.from({ length: size }, (_, i) => `${role}-${i}:1`),
  ];
  return JSON.stringify({ cluster: Object.fromEntries(Object.entries(sizes).map(addresses)), task });
}

const refusal = (env: Variables): Error => {
  try {
    detectWorld(env);
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    return error as Error;
  }
  throw new Error('it was taken');
};

test.each(Object.entries(LAUNCHERS))('%s: rank 5 of 8', (launcher, env) => {
  const local = OF_MACHINES.includes(launcher) ? { localRank: 0, localSize: 1 } : { localRank: 1, localSize: 4 };
  const shard = { shardRank: 5, numShards: 8 };
  expect(detectWorld(env)).toEqual({ rank: 5, size: 8, ...local, launcher, shard });
});

test('without a launcher there is one worker', () => {
  const shard = { shardRank: 0, numShards: 1 };
  const single = { rank: 0, size: 1, localRank: 0, localSize: 1, launcher: 'single', shard };
  expect(detectWorld({})).toEqual(single);
  expect(detectWorld({ PATH: '/bin', LOCAL_RANK: '3', TF_CONFIG: '{"environment":"cloud","cluster":{}}' })).toEqual(
    single,
  );
});

test('the shard spreads into a stream', async () => {
  const data = fromColumns({ x: Int32Array.from({ length: 20 }, (_, i) => i) });
  const seen: number[] = [];
  for await (const { x } of data.stream(detectWorld(LAUNCHERS['torchrun']).shard)) seen.push(x);
  expect(seen).toEqual([5, 13]);
});

describe('which one counts', () => {
  test('each goes before those after it, in the order of the documentation', () => {
    const order = Object.keys(LAUNCHERS);
    order.forEach((launcher, at) => {
      const rest = Object.assign({}, ...order.slice(at).map((each) => LAUNCHERS[each])) as Variables;
      expect(detectWorld(rest).launcher).toBe(launcher);
    });
  });

  test('what the user says overrules launchers, whatever they say', () => {
    const env = { DATAREF_RANK: '1', DATAREF_SIZE: '2', RANK: 'x', SLURM_STEP_ID: 'y', PMI_SIZE: '3', TF_CONFIG: '{' };
    expect(detectWorld(env)).toMatchObject({ rank: 1, size: 2, localRank: 0, localSize: 1, launcher: 'explicit' });
  });

  test('a launcher of processes overrules what places the machines that it runs on', () => {
    // As seen of MPICH's mpirun in a batch script of two tasks: its proxy is a step of one.
    const step = { SLURM_STEP_ID: '0', SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '1', SLURM_NTASKS: '2' };
    expect(detectWorld({ ...step, PMI_RANK: '1', PMI_SIZE: '2' })).toMatchObject({ rank: 1, size: 2, launcher: 'pmi' });
    const pod = { JOB_COMPLETION_INDEX: '1' };
    expect(detectWorld({ ...pod, RANK: '5', WORLD_SIZE: '8' })).toMatchObject({
      rank: 5,
      size: 8,
      launcher: 'torchrun',
    });
  });

  test('the place on the machine is that of the SLURM step, where a launcher in it has none', () => {
    const { slurm } = LAUNCHERS;
    expect(detectWorld({ ...slurm, PMI_RANK: '5', PMI_SIZE: '8' })).toMatchObject({
      launcher: 'pmi',
      localRank: 1,
      localSize: 4,
    });
    expect(detectWorld({ ...slurm, RANK: '6', WORLD_SIZE: '9' })).toMatchObject({ localRank: 0, localSize: 1 });
  });

  test('DATAREF_SIZE alone is the size that Kubernetes does not tell', () => {
    expect(detectWorld({ JOB_COMPLETION_INDEX: '2', DATAREF_SIZE: '3' })).toMatchObject({
      rank: 2,
      size: 3,
      launcher: 'kubernetes',
    });
  });
});

test.each([
  [['chief', 0], 0],
  [['worker', 0], 1],
  [['worker', 2], 3],
] as const)('TF_CONFIG: the chief is rank 0, and the workers follow: %j', ([type, index], rank) => {
  const env = { TF_CONFIG: tfConfig({ worker: 3, chief: 1, ps: 5 }, { type, index }) };
  expect(detectWorld(env)).toMatchObject({ rank, size: 4, launcher: 'tf_config' });
});

describe('a SLURM allocation without srun is refused', () => {
  test.each([
    ['a batch script of two tasks', { SLURM_JOB_ID: '3', SLURM_PROCID: '0', SLURM_NTASKS: '2' }],
    ['the shell of salloc', { SLURM_JOB_ID: '9', SLURM_NTASKS: '2' }],
    ['a batch script of two machines', { SLURM_JOB_ID: '3', SLURM_PROCID: '0', SLURM_JOB_NUM_NODES: '2' }],
    [
      'an interactive step',
      {
        SLURM_JOB_ID: '9',
        SLURM_STEP_ID: '4294967290',
        SLURM_PROCID: '0',
        SLURM_STEP_NUM_TASKS: '1',
        SLURM_NTASKS: '2',
      },
    ],
  ])('%s', (_, env) => {
    expect(refusal(env).message).toMatch(/(NTASKS|NUM_NODES)="2" in a SLURM allocation.*by srun.*DATAREF_RANK=0/u);
  });

  test('but one task is one worker, and so is a variable that only speaks to srun', () => {
    const script = { SLURM_JOB_ID: '4', SLURM_PROCID: '0', SLURM_NTASKS: '1', SLURM_JOB_NUM_NODES: '1' };
    expect(detectWorld(script).launcher).toBe('single');
    expect(detectWorld({ SLURM_NTASKS: '4' }).launcher).toBe('single');
  });
});

const over = (launcher: string, changes: Record<string, string | undefined>): Variables =>
  ({ ...LAUNCHERS[launcher], ...changes }) as Variables;

test.each<[string, Variables, string]>([
  [
    'a rank that is the size',
    { RANK: '4', WORLD_SIZE: '4' },
    'RANK="4", WORLD_SIZE="4": expected RANK below WORLD_SIZE',
  ],
  ['no workers', { PMI_RANK: '0', PMI_SIZE: '0' }, 'PMI_RANK="0", PMI_SIZE="0"'],
  ['a fraction', { HOROVOD_RANK: '1.5', HOROVOD_SIZE: '4' }, 'HOROVOD_RANK="1.5": expected a whole number'],
  ['a negative rank', { HOROVOD_RANK: '-1', HOROVOD_SIZE: '4' }, 'HOROVOD_RANK="-1"'],
  ['nothing', { DATAREF_RANK: '', DATAREF_SIZE: '4' }, 'DATAREF_RANK=""'],
  ['a word', { RANK: '0', WORLD_SIZE: 'four' }, 'WORLD_SIZE="four"'],
  ['a number beyond all', { RANK: '0', WORLD_SIZE: '9'.repeat(20) }, 'WORLD_SIZE="99999999999999999999"'],
  ['half a pair', { OMPI_COMM_WORLD_RANK: '1' }, 'OMPI_COMM_WORLD_RANK="1", but OMPI_COMM_WORLD_SIZE is not set'],
  ['the other half', { WORLD_SIZE: '4' }, 'WORLD_SIZE="4", but RANK is not set'],
  ['half a pair on the machine', { RANK: '1', WORLD_SIZE: '4', LOCAL_RANK: '1' }, 'LOCAL_WORLD_SIZE is not set'],
  [
    'more workers on the machine than there are',
    { RANK: '1', WORLD_SIZE: '2', LOCAL_RANK: '1', LOCAL_WORLD_SIZE: '3' },
    '3 workers on this machine, more than all (RANK="1", WORLD_SIZE="2")',
  ],
  [
    'launchers that disagree',
    { HOROVOD_RANK: '1', HOROVOD_SIZE: '4', OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4' },
    'horovod says rank 1 of 4 (HOROVOD_RANK="1", HOROVOD_SIZE="4"), but openmpi says rank 2 of 4',
  ],
  [
    'platforms that disagree',
    { JOB_COMPLETION_INDEX: '1', JOB_COMPLETIONS: '2', ...LAUNCHERS['tf_config'] },
    'kubernetes says rank 1 of 2 (JOB_COMPLETION_INDEX="1", JOB_COMPLETIONS="2"), but tf_config says rank 5 of 8 (TF_CONFIG)',
  ],
  ['a task without a number', { SLURM_STEP_ID: '0', SLURM_NTASKS: '2' }, 'SLURM_PROCID is not set'],
  [
    'a list of tasks that is none',
    over('slurm', { SLURM_STEP_TASKS_PER_NODE: '2(x' }),
    'SLURM_STEP_TASKS_PER_NODE="2(x"',
  ],
  ['a node beyond the list', over('slurm', { SLURM_NODEID: '3' }), 'SLURM_NODEID="3"'],
  ['an index without a size', { JOB_COMPLETION_INDEX: '3' }, 'JOB_COMPLETION_INDEX="3", but Kubernetes does not tell'],
  ['a size without an index', { DATAREF_SIZE: '3' }, 'DATAREF_SIZE="3", but DATAREF_RANK is not set'],
  ['hosts that are no JSON', over('sagemaker', { SM_HOSTS: 'algo-1,algo-6' }), 'SM_HOSTS="algo-1,algo-6"'],
  ['hosts that are numbers', over('sagemaker', { SM_HOSTS: '[1,2]' }), 'SM_HOSTS="[1,2]"'],
  ['a host that is there twice', over('sagemaker', { SM_HOSTS: '["algo-6","algo-6"]' }), 'names that differ'],
  ['a host that is not among them', over('sagemaker', { SM_CURRENT_HOST: 'algo-9' }), 'SM_CURRENT_HOST="algo-9"'],
  ['hosts without this one', { SM_HOSTS: '["algo-1"]' }, 'SM_CURRENT_HOST is not set'],
  ['a cluster that is no JSON', { TF_CONFIG: '{"cluster' }, 'TF_CONFIG: expected a JSON object'],
  ['a cluster that is a list', { TF_CONFIG: '{"cluster":[]}' }, 'TF_CONFIG.cluster: expected an object'],
  ['a cluster without a task', { TF_CONFIG: '{"cluster":{"worker":["a:1"]}}' }, 'TF_CONFIG.task.type=undefined'],
  [
    'a task that is null',
    { TF_CONFIG: '{"cluster":{"worker":["a:1"]},"task":null}' },
    'TF_CONFIG.task: expected an object',
  ],
  [
    'a task beyond the list',
    { TF_CONFIG: tfConfig({ worker: 2 }, { type: 'worker', index: 2 }) },
    'TF_CONFIG.task.index=2',
  ],
  [
    'a task of hostile form',
    { TF_CONFIG: tfConfig({ worker: 2 }, { type: { toString: 1 }, index: 0 }) },
    'TF_CONFIG.task.type=an object',
  ],
  [
    'a task that does not train',
    { TF_CONFIG: tfConfig({ worker: 2, ps: 1 }, { type: 'ps', index: 0 }) },
    'TF_CONFIG.task.type="ps"',
  ],
  [
    'a role of every object',
    { TF_CONFIG: tfConfig({ worker: 2 }, { type: '__proto__', index: 0 }) },
    'TF_CONFIG.task.type="__proto__"',
  ],
  [
    'workers that are a number',
    { TF_CONFIG: '{"cluster":{"worker":3},"task":{}}' },
    'TF_CONFIG.cluster.worker: expected a list',
  ],
])('%s is refused by name and value', (_, env, expected) => {
  expect(refusal(env).message).toContain(expected);
});

test('a value that is long is cut, and the arguments of a job in TF_CONFIG are not shown', () => {
  expect(refusal({ RANK: 'x'.repeat(100_000), WORLD_SIZE: '2' }).message.length).toBeLessThan(300);
  const secret = {
    cluster: { worker: ['a:1'] },
    task: { type: 'worker', index: 7 },
    job: { args: ['--token=s3cret'] },
  };
  const error = refusal({ TF_CONFIG: JSON.stringify(secret) });
  expect(JSON.stringify([error.message, error])).not.toContain('s3cret');
});

test('variables that are none are refused', () => {
  expect(() => detectWorld(null as never)).toThrow('expected variables by name, got null');
  expect(refusal({ RANK: 3, WORLD_SIZE: 4 } as never).message).toContain('RANK=3: expected a whole number');
});
