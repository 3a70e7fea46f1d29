import type { LibraryHandle } from 'koffi';

type KoffiFunction = ReturnType<LibraryHandle['func']>;

/** How C passes handles: addresses in Open MPI, numbers in MPICH and all that keep to its ABI. */
export type HandleType = 'void *' | 'int';

/** A call into the library: what `MPI_` is followed by, and what it takes. */
export interface Call {
  readonly name: keyof Functions;
  readonly values: readonly unknown[];
}

export interface Functions {
  readonly Init_thread: KoffiFunction;
  readonly Initialized: KoffiFunction;
  readonly Finalized: KoffiFunction;
  readonly Comm_set_errhandler: KoffiFunction;
  readonly Comm_rank: KoffiFunction;
  readonly Comm_size: KoffiFunction;
  readonly Allreduce: KoffiFunction;
  readonly Allgather: KoffiFunction;
  readonly Isend: KoffiFunction;
  readonly Irecv: KoffiFunction;
  readonly Testall: KoffiFunction;
  readonly Waitall: KoffiFunction;
  readonly Bcast: KoffiFunction;
  readonly Finalize: KoffiFunction;
  readonly Abort: KoffiFunction;
  readonly Error_string: KoffiFunction;
  readonly Get_library_version: KoffiFunction;
}

export function call(name: keyof Functions, ...values: readonly unknown[]): Call {
  return { name, values };
}

/** @param H how handles are passed, as their type in C @throws Error where it is no library of MPI */
export function bind(library: LibraryHandle, H: HandleType): Functions {
  if (!hasSymbol(library, 'MPI_Init_thread')) throw new Error('is no library of MPI');
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
    Isend: library.func(`int MPI_Isend(void *from, int count, ${H} type, int to, int tag, ${H} comm, void *request)`),
    Irecv: library.func(`int MPI_Irecv(void *to, int count, ${H} type, int from, int tag, ${H} comm, void *request)`),
    Testall: library.func('int MPI_Testall(int count, void *requests, void *flag, void *statuses)'),
    Waitall: library.func('int MPI_Waitall(int count, void *requests, void *statuses)'),
    Bcast: library.func(`int MPI_Bcast(void *values, int count, ${H} type, int root, ${H} comm)`),
    Finalize: library.func('int MPI_Finalize()'),
    Abort: library.func(`int MPI_Abort(${H} comm, int code)`),
    Error_string: library.func('int MPI_Error_string(int code, void *text, _Out_ int *length)'),
    Get_library_version: library.func('int MPI_Get_library_version(void *text, _Out_ int *length)'),
  };
}

export function hasSymbol(library: LibraryHandle, name: string): boolean {
  try {
    library.symbol(name);
    return true;
  } catch {
    return false;
  }
}
