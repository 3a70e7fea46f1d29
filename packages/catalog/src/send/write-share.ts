import { DataRefError, isDataRefError, type DataRef, type Storage } from '@dataref/core';
import { openPlace, type Place } from './places.js';
import type { ShareTask } from './task.js';
import { describeFunction, importFunction, userFailure, type UserFunction } from './user-function.js';

/** Storages that this worker has opened, by where they are. */
const storages = new Map<string, Promise<Storage>>();

/** The dataset that this worker has read last: to open one of many parts takes a while, and a job has many shares of it. */
let last: { readonly key: string; readonly dataset: DataRef } | undefined;

/**
 * Runs the function over a share's records and stores what it gives; the worker that completes the dataset commits it.
 * @returns records read
 * @throws DataRefError MAP_FAILED naming the record or the batch; what storing throws, naming the records
 */
export async function writeShare(task: ShareTask): Promise<number> {
  const { output, range, schema } = task;
  const [dataset, target, fn] = await Promise.all([fetched(task), opened(output.place), importFunction(task.fn)]);
  const results = new Results(task, fn);
  const records = results.of(dataset.slice(range.start, range.end));
  const writer = target.writer(output.id, output.version, { part: range.part, of: output.of });
  try {
    await (schema === undefined ? writer.submit(records) : writer.submit(records as AsyncIterable<any>, { schema }));
  } catch (error) {
    // Another worker of the same job, of this program or another, was sooner.
    if (!isDataRefError(error, 'ALREADY_EXISTS')) throw results.failure ?? notStored(task, error);
  }
  return range.end - range.start;
}

/** What the function gives for records, one after another. */
class Results {
  /** Why the records ended before their time, where the function did it. */
  failure: DataRefError | undefined;
  readonly #task: ShareTask;
  readonly #fn: UserFunction;

  constructor(task: ShareTask, fn: UserFunction) {
    this.#task = task;
    this.#fn = fn;
  }

  of(records: DataRef): AsyncIterable<unknown> {
    const { batchSize } = this.#task;
    return batchSize === undefined ? this.#ofRecords(records) : this.#ofBatches(records, batchSize);
  }

  async *#ofRecords(records: DataRef): AsyncGenerator {
    let index = this.#task.range.start;
    for await (const record of records.stream()) yield await this.#call(record, index++, 1);
  }

  async *#ofBatches(records: DataRef, batchSize: number): AsyncGenerator {
    let index = this.#task.range.start;
    const batches = records.stream().batch(batchSize);
    const mapped = batches.map(async (batch) => {
      const first = index;
      index += batch.length;
      return (await this.#call(batch, first, batch.length)) as never;
    });
    yield* mapped.unbatch();
  }

  async #call(value: unknown, index: number, count: number): Promise<unknown> {
    try {
      return await this.#fn(value, ...this.#task.args);
    } catch (error) {
      const on = `${this.#task.dataset}, ${count === 1 ? `record ${index}` : `records ${index} to ${index + count - 1}`}`;
      throw (this.failure = userFailure(this.#task.fn, on, error, { index }));
    }
  }
}

function opened(place: Place): Promise<Storage> {
  const key = JSON.stringify(place);
  const storage = storages.get(key) ?? openPlace(place);
  storages.set(key, storage);
  storage.catch(() => storages.delete(key));
  return storage;
}

/** @throws DataRefError GENERATION_GONE where it is another one */
async function fetched({ input, dataset: name }: ShareTask): Promise<DataRef> {
  const key = JSON.stringify(input);
  if (last?.key === key) return last.dataset;
  const dataset = await (await opened(input.place)).fetch(input.id, input.version);
  if (dataset.fingerprint !== input.fingerprint)
    throw new DataRefError('GENERATION_GONE', `send: ${name} was replaced while it was sent; fetch it again`);
  last = { key, dataset };
  return dataset;
}

/** An error of storing tells of places in the share; this one of those in the dataset. */
function notStored({ fn, dataset, range, batchSize }: ShareTask, error: unknown): unknown {
  if (!isDataRefError(error)) return error;
  const { index } = error.details;
  const isOne = batchSize === undefined && typeof index === 'number';
  const place = isOne ? range.start + index : range.start;
  const which = isOne ? `record ${place}` : `records ${range.start} to ${range.end - 1}`;
  const problem = isOne ? error.message.replace(/^record \d+: /u, '') : error.message;
  return new DataRefError(error.code, `send: what ${describeFunction(fn)} gave for ${dataset}, ${which}: ${problem}`, {
    cause: error,
    details: { ...error.details, index: place },
  });
}
