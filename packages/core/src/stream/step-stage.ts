import type { Schema } from '../schema/types.js';
import { layersOf, startOfInput, type Start } from './plan-node.js';
import type { Layer } from './remaining.js';
import type { Others, Reading, Run, Stage } from './stage.js';
import type { StateNode } from './state.js';

/** What a step begins a pass with. */
export interface Begun<I = unknown> {
  /** Over the input, from where the pass begins. The step need not close it. */
  readonly run: Run<I>;
  /** Where the input begins. */
  readonly start: Start;
  /** Where the input stands there. */
  readonly before: () => StateNode;
  /** Of its place: of the last output before it or, where there is none, of the first after it. */
  readonly epoch: number;
  /** Whether the input begins where a state says, and not with an epoch. */
  readonly isResumed: boolean;
  /** What was done before the job began, of later epochs too. */
  readonly layers: readonly Layer[] | undefined;
  /** What the step had counted. */
  readonly count: number;
  readonly reading: Reading;
  /** The step's state over its input's. */
  readonly after: (count: number, input: () => StateNode) => () => StateNode;
}

/** A step at work; its `close` ends what is its own. */
export interface StepRun<T> extends Pick<Run<T>, 'next' | 'others'> {
  close?(): Promise<void>;
}

/** Begins a pass of a step. */
export type OpenStep<I, T> = (begun: Begun<I>) => StepRun<T>;

export interface StepOptions {
  /** In the state, where it also holds the parameters that make the step's identity. */
  readonly name: string;
  /** Default: the input's. */
  readonly unit?: number | undefined;
  /** User functions of its own. Default 0. */
  readonly functions?: number | undefined;
  /** Of the outputs. Default: the input's. */
  readonly schema?: (() => Schema | undefined) | undefined;
  /** Of the outputs. Default: the input's; null where there is none any more. */
  readonly uneven?: string | null | undefined;
}

/**
 * A transform of one input. Its states are a count over the input's.
 * @param load gives what it does, when a pass asks for its first output: a program that does not use it starts faster
 */
export function stepStage<I, T>(
  input: Stage<I>,
  { name, unit = input.unit, functions = 0, schema = () => input.schema, uneven = input.uneven }: StepOptions,
  load: () => OpenStep<I, T> | Promise<OpenStep<I, T>>,
): Stage<T> {
  const after = (count: number, node: () => StateNode) => (): StateNode => ({
    kind: 'step',
    name,
    count,
    input: node(),
  });
  return {
    unit,
    get schema() {
      return schema();
    },
    uneven: uneven ?? undefined,
    functions: input.functions + functions,
    locate(start) {
      const begun = startOfInput(start, name);
      const { epoch, node } = input.locate(begun.input);
      return { epoch, node: after(begun.count, node) };
    },
    initial: (beginning) => after(0, () => input.initial(beginning))(),
    open(start, reading) {
      const begun = startOfInput(start, name);
      const run = input.open(begun.input, reading);
      const { node: before, epoch } = input.locate(begun.input);
      const isResumed = 'node' in begun.input;
      const { count } = begun;
      const layers = layersOf(start);
      return lazyRun(run, async () =>
        (await load())({ run, start: begun.input, before, epoch, isResumed, layers, count, reading, after }),
      );
    },
  };
}

/** A stage that has a place in the state and gives what its input gives: of maps, whose functions run elsewhere. */
export function markedStage<T>(input: Stage<T>, name: string, schema: () => Schema | undefined): Stage<T> {
  return stepStage(input, { name, functions: 1, schema }, () => ({ run, after }) => ({
    async next() {
      const element = await run.next();
      return element && { ...element, after: after(0, element.after) };
    },
  }));
}

/** A run that is begun by its first `next()`. */
export function lazyRun<T>(input: Run<any>, begin: () => Promise<StepRun<T>>): Run<T> {
  let begun: StepRun<T> | undefined;
  let beginning: Promise<StepRun<T>> | undefined;
  let closing: Promise<void> | undefined;
  const first = async () => {
    begun = await (beginning ??= begin());
    return begun.next();
  };
  const close = async () => {
    try {
      await (await beginning?.catch(() => undefined))?.close?.();
    } finally {
      await input.close();
    }
  };
  return {
    next: () => (begun === undefined ? first() : begun.next()),
    close: () => (closing ??= close()),
    get others(): Others | undefined {
      // A step that tells of others by itself may have begun other runs than this one.
      return begun !== undefined && 'others' in begun ? begun.others : input.others;
    },
  };
}
