import type {
  Batch,
  DataRef,
  ProgressOptions,
  RecordOf,
  Schema,
  SchemaOf,
  SchemaOfColumns,
  Storage,
} from '@dataref/core';
import type { Hardware } from './hardware.js';

type AnyFunction = (...args: any[]) => any;

/** What a function is given of a dataset: its records one by one, or batches of them. */
export type SendInput = 'record' | 'batch';

export interface SendOptions<K extends string = string, I extends SendInput = SendInput> {
  /** `file:` URL of a JavaScript module. Workers load it, so it should do nothing but define functions. */
  readonly module: URL | string;
  /** Name of the function among the module's exports. Default: `'default'`. */
  readonly export?: K | undefined;
  /** Where it runs. Default: `local()`, on all cores. */
  readonly hardware?: Hardware | undefined;
  /** Whether the function takes a dataset's records (default), or batches as `stream().batch(n).map(fn)` does, whose columns it gives anew. */
  readonly input?: I | undefined;
  /** Records of a batch at most. Default: 1000. */
  readonly batchSize?: number | undefined;
  /** Schema of the results. Default: that of the first of each share, so arrays of several sizes need one: `field('int32', [null])`. */
  readonly schema?: Schema | undefined;
  /** Where results are stored. Default: in the dataset's own storage; a folder below the system's temporary one where workers cannot open that. */
  readonly storage?: Storage | undefined;
  /** Environment variables for the workers, besides their own. They do not tell jobs apart. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * Records of a share, which is what a killed worker begins anew, and several workers divide among them. Default: a 32nd of the
   * dataset, at least 128 and at most 8192, or more where there would be more than 4096 shares.
   */
  readonly recordsPerShare?: number | undefined;
  /** Tells jobs apart whose code and data are the same, and whose results are not: after an update of a package, say. */
  readonly revision?: string | undefined;
}

/** A call that goes on by itself; `get` gives what comes of it. */
export interface Ref<R = unknown> {
  readonly id: string;
  /** For types alone. */
  readonly result?: R;
}

type RestOf<F extends AnyFunction> = Parameters<F> extends readonly [unknown?, ...infer Rest] ? Rest : [];
type ResultOf<F extends AnyFunction> = Awaited<ReturnType<F>>;

/** What the function looks at of the data that it takes. */
type Taken<F extends AnyFunction, I extends SendInput> = I extends 'batch'
  ? Parameters<F>[0] extends { readonly columns: infer C }
    ? C
    : unknown
  : Parameters<F>[0];

/** Nothing to add where the dataset has it. */
type Fits<S extends Schema, F extends AnyFunction, I extends SendInput> =
  (I extends 'batch' ? Batch<S>['columns'] : RecordOf<S>) extends Taken<F, I>
    ? unknown
    : { readonly schema: 'is not that of what the function takes' };

type ResultSchema<F extends AnyFunction, I extends SendInput> = 0 extends 1 & ResultOf<F>
  ? any
  : I extends 'batch'
    ? SchemaOfColumns<ResultOf<F>>
    : SchemaOf<ResultOf<F>>;

/** A function that runs elsewhere. */
export interface Send<F extends AnyFunction = AnyFunction, I extends SendInput = SendInput> {
  /**
   * Runs the function over a dataset, on each record or batch with the other arguments after it, and gives the dataset of the results, in
   * their order: a record for each record. It is cut into shares, which workers
   * read, map and store; the dataset is committed once, when all are there, and is the same, to the byte, for any
   * hardware and number of workers. A share whose worker dies is run again, and a third time
   * with no other beside it, before it is taken for the reason. A job that was ended
   * goes on where it was, and one that is done is not run again, when it is asked for anew with the same data, function
   * (the module and what it imports by relative paths), arguments and options.
   * @throws DataRefError MAP_FAILED naming the record, with the error and the stack of its worker as `cause`; WORKER_DIED;
   *   INVALID_ARGUMENT for a function that cannot be found; SCHEMA_MISMATCH, RAGGED, NULL_VALUE and others naming the record
   *   whose result cannot be stored; EMPTY; what reading and storing throw
   */
  <S extends Schema>(data: DataRef<S> & Fits<S, F, I>, ...rest: RestOf<F>): Promise<DataRef<ResultSchema<F, I>>>;
  /**
   * Calls the function once, elsewhere. Arguments and results are data: what structured clones carry.
   * @throws DataRefError MAP_FAILED with the error and the stack of the worker as `cause`, WORKER_DIED, INVALID_ARGUMENT;
   *   OUT_OF_RANGE for arguments or a result of more than 4 GiB
   */
  (...args: Parameters<F>): Promise<ResultOf<F>>;
  /** The function of each item, on all workers, in the order of the items. The first failure ends the others, and names its item. */
  map(items: Iterable<Parameters<F>[0]>): Promise<ResultOf<F>[]>;
  /** The same of lists of arguments. */
  starmap(lists: Iterable<Parameters<F>>): Promise<ResultOf<F>[]>;
  /** Calls it `times` times with the same arguments, on all workers. */
  repeat(times: number, ...args: Parameters<F>): Promise<ResultOf<F>[]>;
  /** Calls it once all that was enqueued before has ended, well or not. */
  enqueue(...args: Parameters<F>): Promise<ResultOf<F>>;
  /** Begins what calling it does, on a dataset too, and does not wait: `get` does. */
  remote<S extends Schema>(data: DataRef<S> & Fits<S, F, I>, ...rest: RestOf<F>): Ref<DataRef<ResultSchema<F, I>>>;
  remote(...args: Parameters<F>): Ref<ResultOf<F>>;
  /** What came, or comes, of `remote`, once: the reference is then used up. @throws DataRefError as the call; INVALID_ARGUMENT for one that is not of this send */
  get<R>(ref: Ref<R>): Promise<R>;
  /** The same, told to end with `signal`, and telling `onProgress`: records of a dataset, calls (`steps`) of `map`, `starmap` and `repeat`. */
  with(options: ProgressOptions): Send<F, I>;
}

/** The function that a module exports under a name. */
export type Exported<M, K extends PropertyKey> = K extends keyof M
  ? M[K] extends AnyFunction
    ? M[K]
    : never
  : AnyFunction;
