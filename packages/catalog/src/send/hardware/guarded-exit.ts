/**
 * Makes `process.exit` of a function that runs here an error of its own, which is told; it would end the worker, and tell nobody
 * why. Node itself ends it so after an error that nobody caught, as it should.
 * @returns the exit that ends the worker
 */
export function guardExit(): (code: number) => never {
  const exit = process.exit.bind(process);
  let isFailing = false;
  process.on('uncaughtExceptionMonitor', () => (isFailing = true));
  process.exit = (code) => {
    if (isFailing) return exit(code);
    throw new Error(`the module called process.exit(${code ?? ''})`);
  };
  return exit;
}
