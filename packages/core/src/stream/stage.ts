import type { Schema } from '../schema/types.js';
import { pipelineMismatch, type PlanNode, type Start } from './plan-node.js';
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
}

/** One output of a stage. */
export interface Element<T = unknown> {
  readonly value: T;
  readonly origin: Origin;
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

/** One pass over a stage. */
export interface Run<T = unknown> {
  /** The next output, undefined at the end and ever after. Not called again before it has answered. */
  next(): Promise<Element<T> | undefined>;
  close(): Promise<void>;
  /** At the end, where other shards have outputs still. */
  readonly others?: Others | undefined;
}

/**
 * A transform whose outputs only reading can tell (filter, flatMap, pack, mix, …). Stages compute one global sequence,
 * the same on every shard; it is dealt to the shards at the very end. So a state is a place in that sequence, and good
 * for any world.
 */
export interface Stage<T = unknown> {
  /** Outputs over all shards for one of this shard: the number of shards for records, 1 for batches. */
  readonly unit: number;
  /** Of the outputs, where it is known before reading. */
  readonly schema: Schema | undefined;
  /** User functions in it: each has random numbers of its own. */
  readonly functions: number;
  open(start: Start, signal: AbortSignal): Run<T>;
  /** The place of a start, without reading. @throws DataRefError STATE_PIPELINE, STATE_MISMATCH, … for a state that does not fit */
  locate(start: Start): { readonly epoch: number; readonly node: () => StateNode };
  /** The state at the beginning of an epoch. */
  initial(epoch: number, position: number): StateNode;
}

/** What a transform adds to its input's states: a step with its name, which also holds the parameters that make its identity. */
export interface StepOf {
  readonly name: string;
  readonly input: Stage;
}

/** The start of a step's input, and what the step had counted. @throws DataRefError STATE_PIPELINE */
export function stepStart(start: Start, name: string): { readonly input: Start; readonly count: number } {
  if (!('node' in start)) return { input: start, count: 0 };
  const { node } = start;
  if (node.kind === 'step' && node.name === name) return { input: { node: node.input }, count: node.count };
  throw pipelineMismatch(name, node);
}

/** `locate` and `initial` of a step over one input. */
export function stepStates({ name, input }: StepOf): Pick<Stage, 'locate' | 'initial'> {
  return {
    locate(start) {
      const { input: inner, count } = stepStart(start, name);
      const { epoch, node } = input.locate(inner);
      return { epoch, node: () => ({ kind: 'step', name, count, input: node() }) };
    },
    initial: (epoch, position) => ({ kind: 'step', name, count: 0, input: input.initial(epoch, position) }),
  };
}

/**
 * A stage that changes nothing but has its place in the state: maps, whose functions run on the shard's own records.
 * @param schema where it is that of the input: of batches, the schema is that of the records that they are made of
 */
export function markedStage<T>(input: Stage<T>, name: string, schema?: 'same'): Stage<T> {
  return {
    unit: input.unit,
    get schema() {
      return schema === 'same' ? input.schema : undefined;
    },
    functions: input.functions + 1,
    ...stepStates({ name, input }),
    open(start, signal) {
      const run = input.open(stepStart(start, name).input, signal);
      return {
        async next() {
          const element = await run.next();
          return element && { ...element, after: stepAfter(name, 0, element.after) };
        },
        close: () => run.close(),
        get others() {
          return run.others;
        },
      };
    },
  };
}

/** A step's state over its input's. */
export function stepAfter(name: string, count: number, input: () => StateNode): () => StateNode {
  return () => ({ kind: 'step', name, count, input: input() });
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
      return { pull: () => [], remaining: () => Infinity, snapshot: () => node, epoch };
    },
    initial: (epoch, position) => stage.initial(epoch, position),
  };
}
