/**
 * UCX, which both implementations may bring, takes the process for one of a single thread when it is loaded: it rewrites
 * the code of brk and mmap, and moves the end of the heap, below the feet of V8's threads, which breaks the heap of one
 * process in a hundred. It also takes SIGSEGV, by which V8 knows what WebAssembly does wrong. Both only where the user has
 * not set them.
 * @see ucm_mmap_init in ucm/mmap/install.c of UCX 1.13
 */
export function calmUcx(environment: NodeJS.ProcessEnv): void {
  environment['UCX_MEM_EVENTS'] ??= 'n';
  environment['UCX_ERROR_SIGNALS'] ??= '';
}
