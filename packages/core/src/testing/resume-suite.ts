import { deepStrictEqual, ok } from 'node:assert/strict';
import type { StateNode, StreamState } from '../stream/state.js';
import type { Awaitable } from '../schema/types.js';
import type { Check } from './check.js';
import type { Batch, Flow } from '../stream/types.js';

export interface ResumeSuiteOptions {
  /** Builds the pipeline from nothing, as another process would. It must be the same each time. */
  readonly pipeline: () => Awaitable<Flow<unknown>>;
  /** Iterations that are looked at. Default 2. */
  readonly iterations?: number | undefined;
  /** Elements of one iteration after which it is abandoned: needed for endless ones, which are looked at once. */
  readonly limit?: number | undefined;
  /**
   * The stream is one of several shards whose numbers of elements differ: then the state after its last element may
   * stand before elements of others, and resuming gives an iteration without any. Default false.
   */
  readonly isUneven?: boolean | undefined;
}

/** Bytes of a state as JSON, at most: for a pipeline of six transforms, for each more, and for each dataset that it reads, with an id of ordinary length. */
const PIPELINE_BYTES = 512;
const STEP_BYTES = 80;
const SOURCE_BYTES = 300;

/**
 * What every pipeline promises: the state saved after any element, taken through JSON to a pipeline built anew, gives
 * exactly the elements and the states that would have followed.
 */
export function resumeSuite(options: ResumeSuiteOptions): readonly Check[] {
  let known: Promise<Unbroken> | undefined;
  const unbroken = (): Promise<Unbroken> => (known ??= record(options));
  const { pipeline } = options;
  return [
    {
      name: 'is the same each time it is built',
      run: async () => deepStrictEqual(await record(options), await unbroken()),
    },
    {
      name: 'resumed at its beginning, gives everything',
      run: async () => {
        const run = await unbroken();
        await compare(options, run, 0, (await pipeline()).resume(throughJson(run.states[0] as StreamState)));
        await compare(options, run, 0, (await pipeline()).resume(undefined));
      },
    },
    {
      name: 'resumed after any element, gives exactly the rest',
      run: async () => {
        const run = await unbroken();
        for (const at of run.elements.keys()) {
          const state = throughJson(run.states[at + 1] as StreamState);
          await compare(options, run, at + 1, (await pipeline()).resume(state));
        }
      },
    },
    {
      name: 'resumed a second and a third time, gives exactly the rest',
      run: async () => {
        const run = await unbroken();
        for (const at of run.elements.keys()) {
          let place = at + 1;
          let state = run.states[place] as StreamState;
          for (const steps of [1 + (at % 3), 1 + (at % 2)]) {
            const wanted = Math.min(steps, run.elements.length - place);
            if (wanted === 0) break;
            const flow = (await pipeline()).resume(throughJson(state));
            const part = await gather(flow, wanted, 'exactly');
            state = part.states.at(-1) as StreamState;
            await flow.close();
            place += wanted;
          }
          await compare(options, run, place, (await pipeline()).resume(throughJson(state)));
        }
      },
    },
    {
      name: 'has states that are plain JSON of at most 512 bytes and 300 for each source',
      run: async () => {
        for (const state of (await unbroken()).states) {
          deepStrictEqual(throughJson(state), state);
          const { length } = new TextEncoder().encode(JSON.stringify(state));
          ok(length <= bytesFor(state.node), `a state of ${length} bytes: ${JSON.stringify(state)}`);
        }
      },
    },
    {
      name: 'has in its own state what its batches carry',
      run: async () => {
        const flow = await pipeline();
        let left = options.limit ?? Infinity;
        for await (const element of flow) {
          if (hasState(element)) deepStrictEqual(element.state, flow.state);
          if (--left <= 0) break;
        }
        await flow.close();
      },
    },
  ];
}

/** What an undisturbed run gave: each element with its iteration, and the state before the first and after each. */
interface Unbroken {
  readonly elements: readonly { readonly iteration: number; readonly value: unknown }[];
  readonly states: readonly StreamState[];
}

async function record(options: ResumeSuiteOptions): Promise<Unbroken> {
  const flow = await options.pipeline();
  const { limit, iterations = limit === undefined ? 2 : 1 } = options;
  const run = await gatherIterations(flow, iterations, limit ?? Infinity);
  await flow.close();
  return run;
}

async function gatherIterations(flow: Flow<unknown>, iterations: number, limit: number): Promise<Unbroken> {
  const elements: { iteration: number; value: unknown }[] = [];
  const states: StreamState[] = [flow.state];
  for (let iteration = 0; iteration < iterations; iteration++) {
    let left = limit;
    for await (const element of flow) {
      elements.push({ iteration, value: valueOf(element) });
      states.push(flow.state);
      if (--left <= 0) break;
    }
  }
  return { elements, states };
}

/**
 * The next elements, over as many iterations as it takes until there are `count`: exactly those, or those and whatever
 * else the last iteration still gives, or with at most so many of each iteration.
 */
async function gather(flow: Flow<unknown>, count: number, until: 'exactly' | 'end' | number): Promise<Unbroken> {
  const elements: { iteration: number; value: unknown }[] = [];
  const states: StreamState[] = [flow.state];
  let idle = 0;
  for (let iteration = 0; elements.length < count && idle < 3; iteration++) {
    const limit = typeof until === 'number' ? until : Infinity;
    let left = until === 'end' ? Infinity : Math.min(limit, count - elements.length);
    idle++;
    for await (const element of flow) {
      idle = 0;
      elements.push({ iteration, value: valueOf(element) });
      states.push(flow.state);
      if (--left <= 0) break;
    }
  }
  return { elements, states };
}

/** Checks that a resumed flow gives elements `from` on of the unbroken run, cut into iterations as they were. */
async function compare(options: ResumeSuiteOptions, run: Unbroken, from: number, flow: Flow<unknown>): Promise<void> {
  const rest = run.elements.slice(from);
  const got = await gather(flow, rest.length, options.limit ?? 'end');
  await flow.close();
  const where = `resumed at ${from} of ${run.elements.length}`;
  deepStrictEqual(got.states, run.states.slice(from), `${where}: other states`);
  deepStrictEqual(
    got.elements.map(({ value }) => value),
    rest.map(({ value }) => value),
    `${where}: other elements`,
  );
  const first = got.elements[0]?.iteration ?? 0;
  const base = rest[0]?.iteration ?? 0;
  deepStrictEqual(
    got.elements.map(({ iteration }) => iteration - first),
    rest.map(({ iteration }) => iteration - base),
    `${where}: cut into other iterations`,
  );
  const isEmptyAtFirst = from === 0 && base > 0;
  ok(
    first === 0 || isEmptyAtFirst || options.isUneven === true,
    `${where}: an iteration without any element came first`,
  );
}

function bytesFor(root: StateNode): number {
  let sources = 0;
  let transforms = 0;
  const walk = (node: StateNode): void => {
    if (node.kind === 'source') sources++;
    else transforms++;
    if (node.kind === 'step') walk(node.input);
    if (node.kind === 'join') node.inputs.forEach(walk);
  };
  walk(root);
  return PIPELINE_BYTES + SOURCE_BYTES * sources + STEP_BYTES * Math.max(0, transforms - 6);
}

/** What is compared of an element: of a batch all that a reader can see. */
function valueOf(element: unknown): unknown {
  if (!isBatch(element)) return element;
  const { length, validLength, globalLength, epoch, step } = element;
  const columns = element.columns as unknown;
  const records = element.records() as unknown;
  const indices = Array.from(element.indices);
  return structuredClone({ columns, records, indices, length, validLength, globalLength, epoch, step });
}

function isBatch(element: unknown): element is Batch {
  return hasState(element) && 'columns' in element;
}

/** A batch, or what an adapter made of one: a record has no such pair. */
function hasState(element: unknown): element is Pick<Batch, 'state'> {
  return typeof element === 'object' && element !== null && 'validLength' in element && 'state' in element;
}

function throughJson(state: StreamState): StreamState {
  return JSON.parse(JSON.stringify(state)) as StreamState;
}
