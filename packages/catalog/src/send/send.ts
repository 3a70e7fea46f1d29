import { DataRefError, type ProgressOptions } from '@dataref/core';
import {
  countOf,
  describeValue,
  endedByAbort,
  ioOptionsOf,
  isDataRef,
  refuseUnknown,
  reporter,
  withLastReport,
} from '@dataref/core/adapter';
import { checkedOptions } from './checked-options.js';
import type { Crew } from './crew.js';
import { runJob, type JobOptions } from './job.js';
import type { CallTask } from './task.js';
import type { Exported, Ref, Send, SendInput, SendOptions } from './types.js';
import { runTasks } from './work.js';

/** What `repeat` may ask for. */
const MOST_CALLS = 2 ** 24;

/**
 * A function that runs elsewhere, named by the module that exports it: on worker threads, under `mpirun`, over `ssh`.
 * `send<typeof import('./preprocess.js'), 'tokenize'>({ module: new URL('./preprocess.js', import.meta.url), export: 'tokenize' })`
 * has the types of the function (with `input: 'batch'` a third one, `'batch'`, tells them so); nothing is loaded before it is called.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function send<M, K extends string = 'default', I extends SendInput = 'record'>(
  options: SendOptions<K, I>,
): Send<Exported<M, K>, I> {
  const { crew, job } = checkedOptions(options);
  const state: SendState = { crew, job, queue: Promise.resolve(), running: new Map() };
  return sendOf(state, {}) as Send<Exported<M, K>, I>;
}

/** What all faces of one send share. */
interface SendState {
  readonly crew: Crew;
  readonly job: Omit<JobOptions, 'args'>;
  /** Ends with what was enqueued last. */
  queue: Promise<unknown>;
  readonly running: Map<string, Promise<unknown>>;
}

function sendOf(state: SendState, io: ProgressOptions): Send {
  const { crew, job, running } = state;
  const { signal } = io;

  const calls = (lists: readonly (readonly unknown[])[], onOf: (i: number) => string): Promise<unknown[]> =>
    endedByAbort(signal, () =>
      withLastReport(io.onProgress, async (tell) => {
        const values = Array.from<unknown>({ length: lists.length });
        if (lists.length === 0) return values;
        const tasks = lists.map((args, i): CallTask & { readonly i: number } => ({
          kind: 'call',
          fn: job.fn,
          args,
          on: onOf(i),
          i,
        }));
        const report = reporter(tell, 'send', lists.length, 'steps');
        let done = 0;
        report(done);
        await crew.during(signal, (workforce) =>
          runTasks(workforce, crew.hardware.workers, tasks, signal, ({ i }, value) => {
            values[i] = value;
            report(++done);
          }),
        );
        return values;
      }),
    );
  const call = async (...args: readonly unknown[]): Promise<unknown> => {
    const [first, ...rest] = args;
    if (isDataRef(first)) return endedByAbort(signal, () => runJob(crew, { ...job, args: rest }, first, io));
    return (await calls([args], () => 'its call'))[0];
  };
  const methods: Omit<Send, never> = {
    map: async (items) =>
      calls(
        listOf('map', items).map((item) => [item]),
        (i) => `item ${i}`,
      ),
    async starmap(given) {
      const lists = listOf('starmap', given);
      const wrong = lists.findIndex((args) => !Array.isArray(args));
      if (wrong >= 0)
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `send: starmap: item ${wrong} must be a list of arguments, got ${describeValue(lists[wrong])}`,
        );
      return calls(lists as readonly (readonly unknown[])[], (i) => `item ${i}`);
    },
    repeat: async (times, ...args) =>
      calls(
        Array.from({ length: countOf('send: repeat: times', times, 0, MOST_CALLS) }, () => args),
        (i) => `call ${i}`,
      ),
    enqueue(...args) {
      const turn = state.queue.then(() => call(...args));
      state.queue = turn.catch(() => undefined);
      return turn;
    },
    remote(...args: readonly unknown[]): Ref<any> {
      const id = crypto.randomUUID();
      const result = call(...args);
      result.catch(() => undefined); // whoever asks is told
      running.set(id, result);
      return { id };
    },
    async get(ref: Ref<any>) {
      const { id } = Object(ref) as Partial<Ref>;
      const result = running.get(id as string);
      if (result === undefined)
        throw new DataRefError(
          'INVALID_ARGUMENT',
          'send: get needs what remote gave, of the same send and not asked for before',
        );
      running.delete(id as string);
      return result as Promise<any>;
    },
    with(options) {
      const { signal: newSignal, onProgress, ...unknown } = ioOptionsOf('send: with', options);
      refuseUnknown('send: with', unknown, ['signal', 'onProgress']);
      return sendOf(state, { signal: newSignal, onProgress });
    },
  } as Send;
  return Object.assign(call, methods) as unknown as Send;
}

function listOf(what: string, items: unknown): unknown[] {
  if (typeof items === 'object' && items !== null && Symbol.iterator in items)
    return Array.from(items as Iterable<unknown>);
  throw new DataRefError('INVALID_ARGUMENT', `send: ${what} needs a list, got ${describeValue(items)}`);
}
