import { DataRefError, shown } from '../errors.js';
import type { Layer, Left } from './remaining.js';
import { sameName } from './state-size.js';
import { sourceOf, type StateNode } from './state.js';

/** A run of positions of one epoch, of all shards together; of one shard alone where it was dealt before the plan. */
export interface Segment {
  readonly epoch: number;
  readonly start: number;
  readonly count: number;
  /** Where ranks were dealt what others had left (`shardFirst`): what that is. */
  readonly left?: Left | undefined;
}

/** A position of an epoch at which a pass begins. */
export interface Beginning {
  readonly epoch: number;
  readonly position: number;
  /** The first iteration of several streams joined: each begins where its own options say. */
  readonly isFirst?: true;
  /** What was done before this job began, in this epoch and others (`shardFirst`). */
  readonly layers?: readonly Layer[] | undefined;
}

/** Where a pass begins: at a position of an epoch, or where a state says. */
export type Start = (
  | Beginning
  | {
      readonly node: StateNode;
      /** Of the next output, as the state says. */
      readonly epoch?: number;
    }
) & {
  /** The epoch that the iteration ends with, where that is known although the records are not. */
  readonly lastEpoch?: number | undefined;
};

/**
 * One pass over a node. It only plans: which positions come next is known without reading anything, so skipping and
 * resuming cost the same anywhere.
 */
export interface Cursor<T extends { readonly count: number }> {
  /** The next outputs, `count` of them in all, of all shards together; fewer at the end, none after it. */
  pull(count: number): T[];
  /** Outputs left in this pass. */
  remaining(): number;
  /** Makes the state of this moment, whenever it is called. */
  snapshot(): () => StateNode;
  /** The epoch that the next output belongs to, or the last one when there is none. */
  readonly epoch: number;
  /** The epoch of the last output pulled; of the beginning where there was none. */
  readonly lastEpoch: number;
}

/** A transform as a recipe: plans of records (Segment) or of batches. */
export interface PlanNode<T extends { readonly count: number }> {
  /** Outputs of all shards for one output of this shard: the number of shards for records, 1 for batches. */
  readonly unit: number;
  /** Outputs of one whole pass, over all shards. */
  readonly total: number;
  /** Outputs of one whole pass for this shard. */
  readonly own: number;
  open(start: Start): Cursor<T>;
  /** The state at a beginning. */
  initial(beginning: Beginning): StateNode;
}

/** What was done before the job began that a start goes on with. */
export function layersOf(start: Start): readonly Layer[] | undefined {
  return 'node' in start ? sourceOf(start)?.shardFirst?.layers : start.layers;
}

export function totalCount(parts: readonly { readonly count: number }[]): number {
  let sum = 0;
  for (const part of parts) sum += part.count;
  return sum;
}

/** The start of a step's input, and what the step has counted so far. @throws DataRefError STATE_PIPELINE */
export function startOfInput(start: Start, name: string): { readonly input: Start; readonly count: number } {
  if (!('node' in start)) return { input: start, count: 0 };
  const { node } = start;
  if (node.kind === 'step' && sameName(node.name, name)) return { input: { node: node.input }, count: node.count };
  throw pipelineMismatch(name, node);
}

export function pipelineMismatch(name: string, node: StateNode): DataRefError {
  const found = node.kind === 'source' ? 'the dataset itself' : shownStep(node.name);
  return new DataRefError(
    'STATE_PIPELINE',
    `the state was made by another pipeline: here comes ${name === 'source' ? 'the dataset itself' : shownStep(name)}, in the state ${found}. Build the pipeline with the same transforms in the same order, then resume`,
    { details: { expected: name, found: node.kind === 'source' ? 'source' : node.name } },
  );
}

/** Names that hold parameters have parentheses already. */
function shownStep(name: string): string {
  return name.endsWith(')') ? shown(name) : `${shown(name)}()`;
}

/** A node that changes nothing in the plan, and has its place in the state: maps, whose functions run on what is read. */
export function markedNode<T extends { readonly count: number }>(input: PlanNode<T>, name: string): PlanNode<T> {
  return {
    unit: input.unit,
    total: input.total,
    own: input.own,
    open(start) {
      const cursor = input.open(startOfInput(start, name).input);
      return {
        pull: (count) => cursor.pull(count),
        remaining: () => cursor.remaining(),
        snapshot: () => {
          const state = cursor.snapshot();
          return () => ({ kind: 'step', name, count: 0, input: state() });
        },
        get epoch() {
          return cursor.epoch;
        },
        get lastEpoch() {
          return cursor.lastEpoch;
        },
      };
    },
    initial: (beginning) => ({ kind: 'step', name, count: 0, input: input.initial(beginning) }),
  };
}
