import { Ahead } from './ahead.js';
import { lastEpochOf } from './last-epoch.js';
import type { Place } from './pass.js';
import { endPlace } from './place.js';
import type { Start } from './plan-node.js';
import { AUTOMATIC_BYTES } from './read-ahead.js';
import type { BatchRecipe, RecordRecipe } from './recipe.js';
import type { Element, Reading, Run, Stage } from './stage.js';

/** The outputs of a stage in one iteration, with a look at what follows each: so that every place has one form. */
export class StageOutputs<T> {
  readonly #stage: Stage<T>;
  readonly #recipe: Pick<RecordRecipe | BatchRecipe, 'source' | 'passes' | 'prefetch'>;
  readonly #reading: Reading;
  readonly #ahead: Ahead<T>;
  #start: Start;
  #run: Run<T>;

  constructor(
    recipe: Pick<RecordRecipe | BatchRecipe, 'source' | 'passes' | 'prefetch'>,
    stage: Stage<T>,
    start: Start,
    signal: AbortSignal,
  ) {
    this.#recipe = recipe;
    this.#stage = stage;
    this.#start = start;
    this.#reading = { signal, byteLimit: recipe.prefetch?.byteLimit ?? AUTOMATIC_BYTES };
    this.#run = stage.open(start, this.#reading);
    this.#ahead = new Ahead(this.#goingOn());
  }

  /** The next output; undefined at the end. */
  take(): Promise<Element<T> | undefined> {
    return this.#ahead.take();
  }

  async placeAfter({ lastEpoch, after, follow }: Element<T>): Promise<Place> {
    const next = follow ?? (await this.#ahead.look());
    if (next === 'end') return endPlace(this.#stage, this.#start, lastEpoch);
    // Where looking ahead failed, the state leads to the record that failed.
    return { epoch: next ?? lastEpoch, lastEpoch, node: after };
  }

  /** At the end: the last epoch of the iteration, as far as it is known. */
  get lastEpoch(): number {
    return Math.max(this.#start.lastEpoch ?? 0, this.#ahead.others?.lastEpoch ?? 0);
  }

  close(): Promise<void> {
    return this.#ahead.close();
  }

  /**
   * A state that stands where nothing of its iteration is left is taken for the beginning of the next one; but not where
   * other ranks may have something left that this one cannot see.
   */
  #goingOn(): Run<T> {
    const run = () => this.#run;
    let mayGoOn = 'node' in this.#start && !this.#recipe.source.options.shardFirst;
    return {
      next: async () => {
        const element = await this.#run.next();
        const isAtEnd = mayGoOn && element === undefined && this.#run.others === undefined;
        mayGoOn = false;
        if (!isAtEnd) return element;
        await this.#run.close();
        const last = this.#start.lastEpoch ?? this.#stage.locate(this.#start).epoch;
        const beginning = { epoch: last + 1, position: 0 };
        this.#start = { ...beginning, lastEpoch: lastEpochOf(beginning, this.#recipe.passes) };
        this.#run = this.#stage.open(beginning, this.#reading);
        return this.#run.next();
      },
      close: () => this.#run.close(),
      get others() {
        return run().others;
      },
    };
  }
}
