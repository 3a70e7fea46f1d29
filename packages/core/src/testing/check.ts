/** One claim, for any test runner: `for (const { name, run } of suite) test(name, run)`. */
export interface Check {
  readonly name: string;
  /** Rejects where the claim does not hold. */
  readonly run: () => Promise<void>;
}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

/** Compares plain data and typed arrays by value. */
export function checkEqual(got: unknown, expected: unknown, what: string): void {
  if (got instanceof Uint8Array && expected instanceof Uint8Array && isSame(got, expected)) return;
  const [shownGot, shownExpected] = [shown(got), shown(expected)];
  check(shownGot === shownExpected, `${what}: expected ${cut(shownExpected)}, got ${cut(shownGot)}`);
}

/** Of long arrays a text takes long to make, and only those that differ are shown. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('does not hold: it rejects');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => (ArrayBuffer.isView(item) ? listed(item) : item));
  return text ?? 'undefined';
}

function listed(view: ArrayBufferView): string {
  return `bytes ${new Uint8Array(view.buffer, view.byteOffset, view.byteLength).join(' ')}`;
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
