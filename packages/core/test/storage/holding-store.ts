import type { ObjectStore } from '../../dist/store/object-store.js';
import { changed } from './stored.js';

/** Whether the held request is lost on its way there, or its answer on the way back. */
export type Loss = 'request' | 'answer';

/** A store that counts its requests, and holds one of them for ever, whatever the signal says, until it is let go. */
export interface HoldingStore {
  readonly store: ObjectStore;
  readonly count: () => number;
  /** Resolves once the request is held. */
  readonly held: Promise<void>;
  readonly letGo: () => void;
}

/** @param at which request is held, from 1 on; none with 0 */
export function holding(inner: ObjectStore, at: number, loss: Loss): HoldingStore {
  const [held, letGo] = [gate(), gate()];
  let count = 0;
  const request = async <T>(answer: () => Promise<T>): Promise<T> => {
    if (++count !== at) return answer();
    const answered = loss === 'answer' ? await answer() : undefined;
    held.open();
    await letGo.opened;
    return loss === 'answer' ? (answered as T) : answer();
  };
  const store = changed(inner, {
    head: (...args) => request(() => inner.head(...args)),
    get: (...args) => request(() => inner.get(...args)),
    put: (...args) => request(() => inner.put(...args)),
    listFolders: (...args) => request(() => inner.listFolders(...args)),
    delete: (...args) => request(() => inner.delete(...args)),
    sweep: (...args) => request(() => inner.sweep(...args)),
    async open(...args) {
      const reader = await request(() => inner.open(...args));
      return (
        reader && {
          byteLength: reader.byteLength,
          read: (...range) => request(() => reader.read(...range)),
          readRanges: (...ranges) => request(() => reader.readRanges(...ranges)),
          close: () => reader.close(),
        }
      );
    },
    async create(...args) {
      const writer = await request(() => inner.create(...args));
      return {
        write: (bytes) => request(() => writer.write(bytes)),
        commit: () => request(() => writer.commit()),
        abort: () => request(() => writer.abort()),
      };
    },
    async *list(...args) {
      const pages = inner.list(...args)[Symbol.asyncIterator]();
      for (;;) {
        const next = await request(() => pages.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
  });
  return { store, count: () => count, held: held.opened, letGo: letGo.open };
}

function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
