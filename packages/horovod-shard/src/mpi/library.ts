import { DataRefError } from '@dataref/core';
import type { LibraryHandle } from 'koffi';
import { failed } from '../collective/checks.js';

type Koffi = typeof import('koffi').default;
type KoffiFunction = ReturnType<LibraryHandle['func']>;

/** A call into the library: what `MPI_` is followed by, and what it takes. */
export type Call = readonly [name: keyof Functions, ...values: readonly unknown[]];

interface Functions {
  readonly Init_thread: KoffiFunction;
  readonly Initialized: KoffiFunction;
  readonly Finalized: KoffiFunction;
  readonly Comm_set_errhandler: KoffiFunction;
  readonly Comm_rank: KoffiFunction;
  readonly Comm_size: KoffiFunction;
  readonly Allreduce: KoffiFunction;
  readonly Allgather: KoffiFunction;
  readonly Bcast: KoffiFunction;
  readonly Barrier: KoffiFunction;
  readonly Finalize: KoffiFunction;
  readonly Abort: KoffiFunction;
  readonly Error_string: KoffiFunction;
  readonly Get_library_version: KoffiFunction;
}

/** What C knows by names. Open MPI's are addresses, those of MPICH and all that keep to its ABI are numbers. */
export interface Handles {
  readonly world: unknown;
  readonly float: unknown;
  readonly double: unknown;
  readonly int: unknown;
  readonly int64: unknown;
  readonly byte: unknown;
  readonly sum: unknown;
  readonly min: unknown;
  readonly max: unknown;
  readonly errorsReturn: unknown;
  /** In the place of what is sent: it lies where the result is to be. */
  readonly inPlace: unknown;
}

/** Calls of one thread at a time, from any thread. */
const SERIALIZED = 2;
/** Koffi gives a call in a thread of its own 128 KiB, in which MPICH overflows. */
const STACK_BYTES = 2 ** 20;
/** The most that any MPI writes as its version or as an error. */
const TEXT_BYTES = 8192;

/** A library of MPI in this process, through koffi. */
export class MpiLibrary {
  /** As it was asked for. */
  readonly name: string;
  /** The first line of what it says of itself. */
  readonly version: string;
  readonly handles: Handles;
  readonly #functions: Functions;

  /** @param names the first that is there is loaded @throws DataRefError MISSING_PACKAGE, COLLECTIVE_FAILED */
  static async load(names: readonly string[]): Promise<MpiLibrary> {
    const koffi = await importKoffi();
    giveThreadsRoom(koffi);
    const reasons: string[] = [];
    for (const name of names) {
      try {
        return new MpiLibrary(koffi, name, koffi.load(name, { global: true }));
      } catch (error) {
        reasons.push((error as Error).message);
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
    const isOpenMpi = hasSymbol(library, 'ompi_mpi_comm_world');
    const H = isOpenMpi ? 'void *' : 'int';
    this.#functions = bind(name, library, H);
    this.version = this.#text('Get_library_version').split('\n', 1)[0]!.replaceAll(/\s+/gu, ' ').trim();
    if (!isOpenMpi && !/MPICH|MVAPICH|Intel/iu.test(this.version))
      throw new Error(`${name}: expected Open MPI or one with the ABI of MPICH, got ${this.version}`);
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
    this.run(['Comm_set_errhandler', world, errorsReturn]);
    if (provided < SERIALIZED)
      throw failed(`openMpi: ${this.name} was built without threads (MPI_THREAD_SERIALIZED): take another build`);
    return { rank: this.#number('Comm_rank', world), size: this.#number('Comm_size', world) };
  }

  /** Waits in this thread. @throws DataRefError COLLECTIVE_FAILED */
  run([name, ...values]: Call): void {
    this.#check(name, this.#functions[name](...values) as number);
  }

  /** Waits in a thread of koffi's. @throws DataRefError COLLECTIVE_FAILED */
  async runApart([name, ...values]: Call): Promise<void> {
    const code = await new Promise<number>((resolve, reject) => {
      this.#functions[name].async(...values, (error: unknown, result: number) =>
        error === null || error === undefined ? resolve(result) : reject(failed(`MPI_${name} was not called`, error)),
      );
    });
    this.#check(name, code);
  }

  #number(name: keyof Functions, ...values: readonly unknown[]): number {
    const result = [0];
    this.run([name, ...values, result]);
    return result[0]!;
  }

  #text(name: keyof Functions, ...values: readonly unknown[]): string {
    const bytes = Buffer.alloc(TEXT_BYTES);
    const length = [0];
    this.#functions[name](...values, bytes, length);
    return bytes.toString('latin1', 0, length[0]).replaceAll('\0', '');
  }

  #check(name: string, code: number): void {
    if (code !== 0) throw failed(`MPI_${name}: ${this.#text('Error_string', code)}`);
  }
}

async function importKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new DataRefError('MISSING_PACKAGE', 'MPI is called through koffi: npm i koffi', { cause });
  }
}

/** @throws DataRefError COLLECTIVE_FAILED where koffi is in use already, with less room */
function giveThreadsRoom(koffi: Koffi): void {
  const { async_stack_size: stack = 0, async_heap_size: heap = 0 } = koffi.config();
  if (stack >= STACK_BYTES) return;
  try {
    koffi.config({ async_stack_size: STACK_BYTES, async_heap_size: Math.max(heap, STACK_BYTES) });
  } catch (cause) {
    throw failed(
      `openMpi: koffi is in use already and gives threads a stack of ${stack} bytes, in which MPICH overflows: ` +
        `open MPI first, or begin with koffi.config({ async_stack_size: ${STACK_BYTES} })`,
      cause,
    );
  }
}

function hasSymbol(library: LibraryHandle, name: string): boolean {
  try {
    library.symbol(name);
    return true;
  } catch {
    return false;
  }
}

/** @param H how handles are passed @throws Error */
function bind(name: string, library: LibraryHandle, H: string): Functions {
  if (!hasSymbol(library, 'MPI_Init_thread')) throw new Error(`${name}: is no library of MPI`);
  return {
    Init_thread: library.func('int MPI_Init_thread(void *argc, void *argv, int required, _Out_ int *provided)'),
    Initialized: library.func('int MPI_Initialized(_Out_ int *flag)'),
    Finalized: library.func('int MPI_Finalized(_Out_ int *flag)'),
    Comm_set_errhandler: library.func(`int MPI_Comm_set_errhandler(${H} comm, ${H} handler)`),
    Comm_rank: library.func(`int MPI_Comm_rank(${H} comm, _Out_ int *rank)`),
    Comm_size: library.func(`int MPI_Comm_size(${H} comm, _Out_ int *size)`),
    Allreduce: library.func(`int MPI_Allreduce(void *from, void *to, int count, ${H} type, ${H} op, ${H} comm)`),
    Allgather: library.func(
      `int MPI_Allgather(void *from, int fromCount, ${H} fromType, void *to, int toCount, ${H} toType, ${H} comm)`,
    ),
    Bcast: library.func(`int MPI_Bcast(void *values, int count, ${H} type, int root, ${H} comm)`),
    Barrier: library.func(`int MPI_Barrier(${H} comm)`),
    Finalize: library.func('int MPI_Finalize()'),
    Abort: library.func(`int MPI_Abort(${H} comm, int code)`),
    Error_string: library.func('int MPI_Error_string(int code, void *text, _Out_ int *length)'),
    Get_library_version: library.func('int MPI_Get_library_version(void *text, _Out_ int *length)'),
  };
}

function openMpiHandles(koffi: Koffi, library: LibraryHandle): Handles {
  const handle = (name: string) => koffi.address(library.symbol(`ompi_mpi_${name}`));
  return {
    world: handle('comm_world'),
    float: handle('float'),
    double: handle('double'),
    int: handle('int'),
    int64: handle('int64_t'),
    byte: handle('byte'),
    sum: handle('op_sum'),
    min: handle('op_min'),
    max: handle('op_max'),
    errorsReturn: handle('errors_return'),
    inPlace: 1n,
  };
}

/** @see the MPICH ABI Compatibility Initiative, and mpi.h of MPICH 4.0 */
const MPICH_HANDLES: Handles = {
  world: 0x44000000,
  float: 0x4c00040a,
  double: 0x4c00080b,
  int: 0x4c000405,
  int64: 0x4c00083a,
  byte: 0x4c00010d,
  sum: 0x58000003,
  min: 0x58000002,
  max: 0x58000001,
  errorsReturn: 0x54000001,
  inPlace: 0xffff_ffff_ffff_ffffn,
};
