import { fromColumns, type Batch, type NDArray, type StreamState } from '@dataref/core';
import type { RankLog, Seen } from '@dataref/horovod-shard';

/** A job that trains on one dataset, preempted and gone on with at other sizes. */
export interface Job {
  readonly length: number;
  readonly batchSize: number;
  readonly remainder: 'keep' | 'drop' | 'pad';
  readonly epochs: number;
  readonly seed: number | undefined;
  readonly runs: readonly { readonly size: number; readonly steps: number; readonly committed: number }[];
}

/** What one rank was given in one step, the columns included. */
export interface Given extends Seen {
  readonly globalLength: number;
  readonly validLength: number;
  /** Of every row, with padding: the index and 1, so that 0 is no record. */
  readonly rows: readonly number[];
}

export interface GivenLog extends RankLog {
  readonly entries: Given[];
}

export function anyJob(random: () => number): Job {
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const length = upTo(60);
  const remainder = (['keep', 'drop', 'pad'] as const)[Math.floor(random() * 3)] as Job['remainder'];
  const batchSize = upTo(remainder === 'drop' ? Math.min(length, 16) : 16);
  const epochs = upTo(3);
  const perEpoch = remainder === 'drop' ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  const runs: { size: number; steps: number; committed: number }[] = [];
  for (let at = 0; at < perEpoch * epochs;) {
    const isLast: boolean = runs.length === 4 || random() < 0.3;
    const steps: number = isLast ? perEpoch * epochs - at : Math.floor(random() * (perEpoch * epochs - at + 1));
    // A run that is killed has made steps that no checkpoint has.
    const committed = isLast ? steps : Math.floor(random() * (steps + 1));
    runs.push({ size: upTo(5), steps, committed });
    at += committed;
  }
  return { length, batchSize, remainder, epochs, seed: random() < 0.7 ? Math.floor(random() * 1000) : undefined, runs };
}

/** Runs it, rank by rank. */
export async function logsOf(job: Job): Promise<GivenLog[]> {
  const logs: GivenLog[] = [];
  let state: StreamState | undefined;
  let step = 0;
  for (const [i, { size, steps, committed }] of job.runs.entries()) {
    const before = state;
    for (let rank = 0; rank < size; rank++) {
      const { entries, states } = await rankOf(job, { rank, size, step, steps, state: before });
      logs.push({ run: i + 1, rank, size, step, entries });
      // Any rank's state is the job's.
      if (committed > 0) state = states[committed - 1];
    }
    step += committed;
  }
  return logs;
}

async function rankOf(
  { length, batchSize, remainder, seed }: Job,
  at: { rank: number; size: number; step: number; steps: number; state: StreamState | undefined },
): Promise<{ readonly entries: Given[]; readonly states: StreamState[] }> {
  const data = fromColumns({ x: Int32Array.from({ length }, (_, i) => i + 1) });
  const shard = { shardRank: at.rank, numShards: at.size };
  const order = seed === undefined ? shard : { ...shard, shuffle: true, shuffleSeed: seed };
  const stream = data.stream(order).globalBatch(batchSize, { remainder }).resume(at.state);
  const entries: Given[] = [];
  const states: StreamState[] = [];
  while (entries.length < at.steps) {
    for await (const batch of stream) {
      entries.push(givenOf(batch, at.step + entries.length));
      states.push(batch.state);
      if (entries.length === at.steps) break;
    }
  }
  return { entries, states };
}

function givenOf(batch: Batch, step: number): Given {
  const { epoch, indices, globalLength, validLength } = batch;
  const rows = Array.from((batch.columns as { x: NDArray<'int32'> }).x.data);
  return { step, epoch, indices: Array.from(indices), globalLength, validLength, rows };
}

/** Logs with one list of indices replaced. */
export function withIndices(logs: readonly GivenLog[], log: number, entry: number, indices: number[]): GivenLog[] {
  return logs.map((given, i) =>
    i === log
      ? { ...given, entries: given.entries.map((seen, k) => (k === entry ? { ...seen, indices } : seen)) }
      : given,
  );
}
