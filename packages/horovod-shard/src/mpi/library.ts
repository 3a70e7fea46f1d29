import type { LibraryHandle } from 'koffi';
import { failed } from '../collective/checks.js';
import { bind, call, type Call, type Functions, type HandleType, hasSymbol } from './functions.js';
import { type Handles, MPICH_HANDLES, openMpiHandles } from './handles.js';
import { importKoffi, type Koffi } from './koffi.js';
import { calmUcx } from './ucx.js';

/** Calls of one thread at a time, from any thread. */
const SERIALIZED = 2;
/** The most that any MPI writes as its version or as an error. */
const TEXT_BYTES = 8192;

/** A library of MPI in this process, through koffi. */
export class MpiLibrary {
  /** As it was asked for. */
  readonly name: string;
  /** The first line of what it says of itself. */
  readonly version: string;
  readonly handles: Handles;
  readonly handleType: HandleType;
  readonly #koffi: Koffi;
  readonly #functions: Functions;
  readonly #requests: BigInt64Array[] = [];

  /** @param names the first that is there is loaded @throws DataRefError MISSING_PACKAGE, COLLECTIVE_FAILED */
  static async load(names: readonly string[]): Promise<MpiLibrary> {
    const koffi = await importKoffi();
    calmUcx(process.env);
    const reasons: string[] = [];
    for (const name of names) {
      try {
        return new MpiLibrary(koffi, name, koffi.load(name, { global: true }));
      } catch (error) {
        reasons.push(`${name}: ${(error as Error).message}`);
      }
    }
    throw failed(
      `openMpi: no library of MPI could be used: ${reasons.join('; ')}. ` +
        'Install that of the mpirun which starts the job (Debian: libopenmpi3 or libmpich12), or name its file: ' +
        'openMpi({ library }) or DATAREF_MPI_LIBRARY',
    );
  }

  private constructor(koffi: Koffi, name: string, library: LibraryHandle) {
    this.name = name;
    this.#koffi = koffi;
    const isOpenMpi = hasSymbol(library, 'ompi_mpi_comm_world');
    this.handleType = isOpenMpi ? 'void *' : 'int';
    this.#functions = bind(library, this.handleType);
    this.version = this.#text('Get_library_version').split('\n', 1)[0]!.replaceAll(/\s+/gu, ' ').trim();
    if (!isOpenMpi && !/MPICH|MVAPICH|Intel/iu.test(this.version))
      throw new Error(`expected Open MPI or one with the ABI of MPICH, got ${this.version}`);
    this.handles = isOpenMpi ? openMpiHandles(koffi, library) : MPICH_HANDLES;
  }

  /**
   * Joins the job, which waits for all its ranks.
   * @returns the place in it @throws DataRefError COLLECTIVE_FAILED
   */
  init(): { readonly rank: number; readonly size: number } {
    if (this.#number('Initialized') !== 0)
      throw failed(
        this.#number('Finalized') !== 0
          ? 'openMpi: this process has left its job, and MPI lets none join twice: open it once, and close it at the end'
          : 'openMpi: MPI is open in this process: pass on the collective that the first openMpi gave',
      );
    const provided = this.#number('Init_thread', null, null, SERIALIZED);
    const { world, errorsReturn } = this.handles;
    this.run(call('Comm_set_errhandler', world, errorsReturn));
    if (provided < SERIALIZED)
      throw failed(`openMpi: ${this.name} was built without threads (MPI_THREAD_SERIALIZED): take another build`);
    return { rank: this.#number('Comm_rank', world), size: this.#number('Comm_size', world) };
  }

  /** Waits in this thread. @throws DataRefError COLLECTIVE_FAILED */
  run({ name, values }: Call): void {
    this.check(name, this.#functions[name](...values) as number);
  }

  /** @param code what a call gave @throws DataRefError COLLECTIVE_FAILED, in the library's words, where it is no success */
  check(name: string, code: number): void {
    if (code !== 0) throw failed(`MPI_${name}: ${this.#text('Error_string', code)}`);
  }

  /** Where the values lie, for as long as somebody holds them. */
  addressOf(values: ArrayBufferView): bigint {
    return this.#koffi.address(values);
  }

  /** Room for two requests, one beside the other. @returns the addresses of both */
  requests(): readonly [bigint, bigint] {
    const room = new BigInt64Array(2);
    this.#requests.push(room);
    const at = this.addressOf(room);
    return [at, at + BigInt(this.handleType === 'int' ? 4 : 8)];
  }

  #number(name: keyof Functions, ...values: readonly unknown[]): number {
    const result = [0];
    this.run(call(name, ...values, result));
    return result[0]!;
  }

  #text(name: keyof Functions, ...values: readonly unknown[]): string {
    const bytes = Buffer.alloc(TEXT_BYTES);
    const length = [0];
    this.#functions[name](...values, bytes, length);
    return bytes.toString('latin1', 0, length[0]).replaceAll('\0', '');
  }
}
