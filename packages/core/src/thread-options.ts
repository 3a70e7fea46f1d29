/**
 * Options of Node for threads that run a file: those of this process, but for the one that says what kind of text it was given
 * to run, with which Node starts no file.
 */
export function threadOptions(): string[] {
  return process.execArgv.filter((option) => !option.startsWith('--input-type'));
}
