/**
 * For threads that run a file: they take this process's options of Node by themselves, but none of a program that was given as
 * text, since with `--input-type` Node starts no file. V8's, such as `--max-old-space-size`, are taken only that way.
 */
export function threadOptions(): { readonly execArgv?: string[] } {
  return process.execArgv.some((option) => option.startsWith('--input-type')) ? { execArgv: [] } : {};
}
