/** Calls a function in the next turn of the event loop, after all that this one still has to do. */
export function inNextTurn(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run);
  else setTimeout(run, 0); // browsers
}
