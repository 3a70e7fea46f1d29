import { parseState } from '@dataref/core';
import type { BatchFlow, DataBatch } from '@dataref/core/adapter';
import { copyOf, feedsOf, type PlainFeeds } from '../batch-feeds.js';
import type { Binding } from '../binding.js';
import type { Answer, Beginning, StateText } from './messages.js';
import { sentError } from './sent-error.js';

type Tell = (answer: Answer, moved?: ArrayBuffer[]) => void;

/** One iteration of the stream, and how many batches of it are wanted now. */
interface Run {
  readonly iteration: number;
  batches: AsyncIterator<DataBatch> | undefined;
  wanted: number;
  isSending: boolean;
  isStopped: boolean;
}

/** Sends the batches of a stream as feeds, as many as are asked for, one iteration at a time. */
export class Sender {
  readonly #stream: BatchFlow;
  readonly #binding: Binding;
  readonly #isPrivate: boolean;
  readonly #tell: Tell;
  #run: Run | undefined;

  constructor(stream: BatchFlow, binding: Binding, tell: Tell) {
    this.#stream = stream.pick(binding);
    this.#binding = binding;
    this.#isPrivate = !stream.hasMaps;
    this.#tell = tell;
  }

  get length(): number | undefined {
    return this.#stream.length;
  }

  get state(): StateText {
    return JSON.stringify(this.#stream.state);
  }

  async begin(iteration: number, beginning: Beginning, wanted: number): Promise<void> {
    await this.stop();
    const run: Run = { iteration, batches: undefined, wanted, isSending: true, isStopped: false };
    this.#run = run;
    await this.#attempt(run, async () => {
      if (beginning.at === 'state') this.#stream.resume(stateOf(beginning.state));
      if (beginning.at === 'epoch after') await this.#standAfter(beginning.before);
      if (run.isStopped) return;
      run.batches = this.#stream[Symbol.asyncIterator]();
      const first = run.batches.next(); // claims the epoch
      first.catch(() => undefined); // it is awaited below
      this.#tell({ told: 'begun', iteration, state: this.state });
      this.#take(run, await first);
    });
    run.isSending = false;
    await this.#send(run);
  }

  async more(iteration: number): Promise<void> {
    const run = this.#run;
    if (run?.iteration !== iteration) return;
    run.wanted++;
    await this.#send(run);
  }

  /** Ends the iteration under way. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    run.isStopped = true;
    await run.batches?.return?.();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#stream.close();
  }

  /** Takes a batch once more that was taken before its iteration was left; others had been made ahead of it. */
  async #standAfter(before: StateText): Promise<void> {
    const again = this.#stream.resume(stateOf(before))[Symbol.asyncIterator]();
    await again.next();
    await again.return?.();
  }

  async #send(run: Run): Promise<void> {
    if (run.isSending || run.batches === undefined) return;
    run.isSending = true;
    const { batches } = run;
    await this.#attempt(run, async () => {
      while (run.wanted > 0 && !run.isStopped) this.#take(run, await batches.next());
    });
    run.isSending = false;
  }

  /** A failure ends the iteration, and is told unless the iteration had been ended before. */
  async #attempt(run: Run, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (run.isStopped) return;
      this.#tell({ told: 'failure', iteration: run.iteration, error: sentError(error) });
      await this.stop();
    }
  }

  #take(run: Run, step: IteratorResult<DataBatch>): void {
    if (run.isStopped) return;
    const { iteration } = run;
    const { skipped } = this.#stream;
    run.wanted--;
    if (step.done === true) {
      this.#tell({ told: 'end', iteration, state: this.state, skipped });
      run.isStopped = true;
      return;
    }
    const { length, validLength, globalLength, epoch } = step.value;
    const state = JSON.stringify(step.value.state);
    const { feeds, moved } = movable(feedsOf(step.value, this.#binding, this.#isPrivate));
    const batch = { feeds, length, validLength, globalLength, epoch, state };
    this.#tell({ told: 'batch', iteration, batch, skipped }, moved);
  }
}

function stateOf(text: StateText | undefined) {
  return text === undefined ? undefined : parseState(JSON.parse(text));
}

/** Feeds whose arrays have a buffer each, which can be moved. */
function movable(given: PlainFeeds): { readonly feeds: PlainFeeds; readonly moved: ArrayBuffer[] } {
  const feeds: Record<string, PlainFeeds[string]> = {};
  const moved: ArrayBuffer[] = [];
  for (const [name, tensor] of Object.entries(given)) {
    const { data } = tensor;
    feeds[name] = tensor;
    if (Array.isArray(data)) continue;
    const isAlone = data.byteLength === data.buffer.byteLength && !moved.includes(data.buffer as ArrayBuffer);
    const own = isAlone ? data : copyOf(data);
    feeds[name] = { ...tensor, data: own };
    moved.push(own.buffer as ArrayBuffer);
  }
  return { feeds, moved };
}
