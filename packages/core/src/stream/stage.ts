import type { Schema } from '../schema/types.js';
import type { Beginning, PlanNode, Start } from './plan-node.js';
import type { StateNode } from './state.js';

/** The record that an element came from: what user functions are told, and what errors name. */
export interface Origin {
  readonly id: string;
  readonly version: string;
  readonly epoch: number;
  readonly position: number;
  readonly index: number;
  /** The order's seed. */
  readonly seed: number | null;
  /** Tells the outputs of one record apart: `:2` for the third of a flatMap. */
  readonly branch: string;
  /** The inputs of joins that it came through, for messages. */
  readonly joined?: string | undefined;
}

/** A value, and the record that it came from. */
export interface Traced<T = unknown> {
  readonly value: T;
  readonly origin: Origin;
}

/** One output of a stage. */
export interface Element<T = unknown> extends Traced<T> {
  /** Of its first record. */
  readonly epoch: number;
  /** Of its last record: the next iteration is the epoch after that. */
  readonly lastEpoch: number;
  /** Where the sequence stands after it; cheap to keep, made when it is asked for. */
  readonly after: () => StateNode;
  /** What follows, where that is known already: the epoch of the next output, or that there is none. */
  readonly follow?: number | 'end' | undefined;
}

/** Outputs of other shards, after which this one has none: the epochs of the first and of the last record in them. */
export interface Others {
  readonly epoch: number;
  readonly lastEpoch: number;
}

/** What reading holds to in one pass. */
export interface Reading {
  readonly signal: AbortSignal;
  /** What is read ahead of the elements asked for, of all datasets together, where data is far away. */
  readonly byteLimit: number;
}

/** One pass over a stage. */
export interface Run<T = unknown> {
  /** The next output, undefined at the end and ever after. Not called again before it has answered. */
  next(): Promise<Element<T> | undefined>;
  /** Ends what is under way. Called again, it does nothing more. */
  close(): Promise<void>;
  /** At the end, where other shards have outputs still. */
  readonly others?: Others | undefined;
}

/**
 * A transform whose outputs only reading can tell (filter, flatMap, pack, mix, …). Stages compute one global sequence,
 * the same on every shard; it is dealt to the shards at the very end. So a state is a place in that sequence, and good
 * for any world. What a stage does is loaded when a pass over it asks for its first output.
 */
export interface Stage<T = unknown> {
  /** Outputs over all shards for one of this shard: the number of shards for records, 1 for batches. */
  readonly unit: number;
  /** Of the outputs, where it is known before reading. */
  readonly schema: Schema | undefined;
  /** The transform that makes outputs of differing structure, which no batch and no row takes, where one is known to. */
  readonly uneven?: string | undefined;
  /** User functions in it: each has random numbers of its own. */
  readonly functions: number;
  open(start: Start, reading: Reading): Run<T>;
  /** The place of a start, without reading. @throws DataRefError STATE_PIPELINE, STATE_MISMATCH, … for a state that does not fit */
  locate(start: Start): { readonly epoch: number; readonly node: () => StateNode };
  /** The state at a beginning. */
  initial(beginning: Beginning): StateNode;
}

/** A stage where a plan is asked for: it tells places, and of what is left only that there may be something. */
export function planOfStage(stage: Stage): PlanNode<never> {
  return {
    unit: stage.unit,
    total: Infinity,
    own: Infinity,
    open(start) {
      const { epoch: located, node } = stage.locate(start);
      // Only the state knows where the next output comes from, when what is left of an epoch gives none.
      const { epoch = located } = start;
      return { pull: () => [], remaining: () => Infinity, snapshot: () => node, epoch, lastEpoch: epoch };
    },
    initial: (beginning) => stage.initial(beginning),
  };
}
