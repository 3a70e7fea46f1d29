import type { Runtime } from './runtime.js';

/** What there is everywhere, browsers included: no processes to ask for, no disk. One for each storage. */
export function webRuntime(): Runtime {
  const self = { storage: randomNonce() };
  return {
    identity: { self: () => self, isRunning: (writer) => isSame(writer, self) || undefined },
    nonce: randomNonce,
    memoryBytes: 512 * 2 ** 20,
    withCache: undefined,
  };
}

/** Whether a writer is the one that this storage names: of any other, only silence can tell. */
function isSame(writer: unknown, self: { readonly storage: string }): boolean {
  return (Object(writer) as Partial<typeof self>).storage === self.storage;
}

/** 16 hexadecimal digits, never the same twice: from what browsers have too. */
function randomNonce(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
