import { DataRefError } from '../errors.js';
import { describeSchema, sameSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { lastEpochOf } from './last-epoch.js';
import { pipelineMismatch, type Start } from './plan-node.js';
import type { Passes } from './recipe.js';
import type { Element, Origin, Reading, Run, Stage } from './stage.js';
import { sameName } from './state-size.js';
import type { JoinState, StateNode } from './state.js';

/** A whole sequence, and where its first pass begins. */
export interface JoinInput {
  readonly stage: Stage;
  readonly first: Start;
  readonly passes: Passes;
}

/** How far each input has come, in one pass of a join. */
export interface Inputs {
  /** The pass that the join is in. */
  readonly epoch: number;
  /** Outputs taken of each input. */
  readonly counts: number[];
  /** Inputs that are known to have no more. */
  readonly ended: Set<number>;
  /** The next output of an input; undefined where it has none, which ends it. */
  readonly pull: (input: number) => Promise<Element | undefined>;
  /** Begins the epoch after the one that an ended input was in. */
  readonly restart: (input: number) => Promise<void>;
  /** Where the join stands now. */
  readonly after: () => () => StateNode;
}

/**
 * What transforms over several inputs have in common: the state holds each input's state, and how many of its outputs
 * were taken. Inputs are whole sequences: the world is the join's own.
 * @param unit shards of the join
 * @param open makes the outputs of one pass
 */
export function joinStage<T>(
  name: string,
  inputs: readonly JoinInput[],
  unit: number,
  schema: () => Schema | undefined,
  open: (inputs: Inputs) => () => Promise<Element<T> | undefined>,
): Stage<T> {
  // An input that begins in a later epoch stays so many epochs ahead of the join.
  const leads = inputs.map(({ stage, first }) => stage.locate(first).epoch);
  const stateOf = (epoch: number, position: number): JoinState => ({
    kind: 'join',
    name,
    epoch,
    counts: inputs.map(() => 0),
    ended: [],
    inputs: inputs.map(({ stage }, i) => stage.initial({ epoch: epoch + (leads[i] as number), position })),
  });
  const nodeOf = (start: Start): JoinState => {
    if (!('node' in start)) {
      const state = stateOf(start.epoch, start.position);
      if (start.isFirst !== true) return state;
      return { ...state, inputs: inputs.map(({ stage, first }) => stage.locate(first).node()) };
    }
    const { node } = start;
    if (node.kind !== 'join' || !sameName(node.name, name) || node.inputs.length !== inputs.length)
      throw pipelineMismatch(name, node);
    return { ...node, name };
  };
  return {
    unit,
    get schema() {
      return schema();
    },
    uneven: inputs.map(({ stage }) => stage.uneven).find((step) => step !== undefined),
    functions: Math.max(0, ...inputs.map(({ stage }) => stage.functions)),
    initial: ({ epoch, position }) => stateOf(epoch, position),
    locate(start) {
      const node = nodeOf(start);
      const located = inputs.map(({ stage }, i) => stage.locate({ node: node.inputs[i] as StateNode }).node);
      return { epoch: node.epoch, node: () => ({ ...node, inputs: located.map((state) => state()) }) };
    },
    open(start, { signal, byteLimit }) {
      const node = nodeOf(start);
      const held = holdInputs(name, inputs, node, { signal, byteLimit: byteLimit / inputs.length });
      const next = open(held);
      let isOver = false;
      return {
        async next() {
          // What has ended stays so, although other inputs may have more.
          const element = isOver ? undefined : await next();
          isOver = element === undefined;
          return element;
        },
        close: () => held.close(),
      };
    },
  };
}

function holdInputs(
  name: string,
  inputs: readonly JoinInput[],
  node: JoinState,
  reading: Reading,
): Inputs & { close(): Promise<void> } {
  const { epoch } = node;
  const counts = [...node.counts];
  const ended = new Set(node.ended);
  const states = inputs.map(({ stage }, i) => stage.locate({ node: node.inputs[i] as StateNode }).node);
  const runs: (Run | undefined)[] = inputs.map(() => undefined);
  return {
    epoch,
    counts,
    ended,
    async pull(i) {
      const run = (runs[i] ??= (inputs[i] as JoinInput).stage.open({ node: node.inputs[i] as StateNode }, reading));
      const element = await run.next();
      if (element === undefined) {
        ended.add(i);
        return undefined;
      }
      counts[i] = (counts[i] as number) + 1;
      states[i] = element.after;
      return element;
    },
    async restart(i) {
      await runs[i]?.close();
      const { stage, passes } = inputs[i] as JoinInput;
      // Told by its state alone, which is all that a resumed join knows.
      const start = { node: (states[i] as () => StateNode)() };
      const last = lastEpochOf(start, passes) ?? stage.locate(start).epoch;
      const beginning = { epoch: last + 1, position: 0 };
      runs[i] = stage.open(beginning, reading);
      states[i] = () => stage.initial(beginning);
      ended.delete(i);
    },
    after() {
      const [counted, over, places] = [[...counts], [...ended].sort((a, b) => a - b), [...states]];
      return () => ({
        kind: 'join',
        name,
        epoch,
        counts: counted,
        ended: over,
        inputs: places.map((state) => state()),
      });
    },
    async close() {
      await Promise.all(runs.map(async (run) => run?.close()));
    },
  };
}

/** The one schema of all inputs; undefined where one of them is not known yet. @throws DataRefError SCHEMA_MISMATCH */
export function commonSchema(what: string, inputs: readonly JoinInput[]): Schema | undefined {
  const schemas = inputs.map(({ stage }) => stage.schema);
  const known = schemas.findIndex((schema) => schema !== undefined);
  const first = schemas[known];
  for (const [i, other] of schemas.entries()) {
    if (first === undefined || other === undefined || sameSchema(first, other)) continue;
    throw new DataRefError(
      'SCHEMA_MISMATCH',
      `${what}: input ${i} has ${describeSchema(other)}, input ${known} has ${describeSchema(first)}; map them to one schema`,
    );
  }
  return schemas.includes(undefined) ? undefined : first;
}

/** The origin of a record that a join took of one of its inputs. */
export function originOfInput(origin: Origin, join: string, input: number): Origin {
  const { branch, joined } = origin;
  const inner = joined === undefined ? '' : `, ${joined}`;
  return { ...origin, branch: `${branch}@${input}`, joined: `${join}: input ${input}${inner}` };
}
