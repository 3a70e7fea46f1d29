import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { totalmem } from 'node:os';

/** What all files that are held may take together, unless another limit is given. */
export const MEMORY_LIMIT_BYTES = Math.min(totalmem() / 4, 2 ** 31);

/** Bytes of a file that lie in memory: where they are shared, those of this thread and of threads that it begins. */
export interface HeldBytes {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

/** Held by this thread, by the file's identity; gone once no dataset uses them. */
const held = new Map<string, WeakRef<HeldBytes>>();
const loading = new Map<string, Promise<HeldBytes | undefined>>();
let usedBytes = 0;

const released = new FinalizationRegistry<{ readonly identity: string; readonly byteLength: number }>(
  ({ identity, byteLength }) => {
    usedBytes -= byteLength;
    if (held.get(identity)?.deref() !== undefined) return;
    held.delete(identity);
    setEnvironmentData(environmentKey(identity), undefined);
  },
);

/**
 * A file's bytes, read once for all datasets of this thread and, where they are shared, of the threads that are begun after
 * that: they get the same memory, not a copy of it. Undefined where they would take more than is left of `limitBytes`, or than there is.
 * @param file its identity: another one after it was written anew
 * @param fill reads the file
 */
export async function heldBytes(
  file: string,
  isShared: boolean,
  byteLength: number,
  limitBytes: number,
  fill: (bytes: Uint8Array) => Promise<void>,
): Promise<HeldBytes | undefined> {
  const identity = `${isShared ? 'shared' : 'own'} ${file}`;
  const known = held.get(identity)?.deref();
  if (known !== undefined) return known;
  const inherited = getEnvironmentData(environmentKey(identity));
  if (inherited instanceof SharedArrayBuffer) return keep(identity, inherited, 0);
  // A load that another caller has begun may fail, or be aborted, on that caller's behalf.
  const begun = loading.get(identity);
  if (begun !== undefined) {
    await begun.catch(() => undefined);
    return heldBytes(file, isShared, byteLength, limitBytes, fill);
  }
  if (usedBytes + byteLength > limitBytes) return undefined;
  usedBytes += byteLength;
  const load = async (): Promise<HeldBytes | undefined> => {
    try {
      const buffer = allocated(byteLength, isShared);
      if (buffer === undefined) {
        usedBytes -= byteLength;
        return undefined;
      }
      await fill(new Uint8Array(buffer));
      if (isShared) setEnvironmentData(environmentKey(identity), buffer);
      return keep(identity, buffer, byteLength);
    } catch (error) {
      usedBytes -= byteLength;
      throw error;
    } finally {
      loading.delete(identity);
    }
  };
  const task = load();
  loading.set(identity, task);
  return task;
}

/** Memory for so many bytes, undefined where the machine or the runtime has none so large. */
function allocated(byteLength: number, isShared: boolean): ArrayBuffer | SharedArrayBuffer | undefined {
  try {
    return isShared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
  } catch {
    return undefined;
  }
}

function keep(identity: string, buffer: ArrayBuffer | SharedArrayBuffer, byteLength: number): HeldBytes {
  const bytes = { buffer };
  held.set(identity, new WeakRef(bytes));
  released.register(bytes, { identity, byteLength });
  return bytes;
}

function environmentKey(identity: string): string {
  return `@dataref/text ${identity}`;
}
