/** How long each answer takes: time enough for reads to meet, though nothing here is timed. */
const ANSWER_MS = 2;

/** A store as one far away: it answers later, and counts what it is asked for and how much it gives. */
export function farStore(store) {
  const counts = { requests: 0, bytes: 0 };
  const answer = async (bytes, work) => {
    counts.requests++;
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    const result = await work();
    counts.bytes += typeof bytes === 'number' ? bytes : bytes(result);
    return result;
  };
  const far = {
    description: store.description,
    head: (key, options) => answer(0, () => store.head(key, options)),
    get: (key, limit, options) => answer((got) => got?.bytes.length ?? 0, () => store.get(key, limit, options)), // prettier-ignore
    async open(key, options) {
      const reader = await store.open(key, options);
      if (reader === undefined) return undefined;
      const read = (into, position, io) => answer(into.length, () => reader.read(into, position, io));
      return {
        byteLength: reader.byteLength,
        read,
        readRanges: async (ranges, io) => {
          const results = await Promise.allSettled(ranges.map(({ into, position }) => read(into, position, io)));
          for (const { reason } of results.filter(({ status }) => status === 'rejected')) throw reason;
        },
        close: () => reader.close(),
      };
    },
    put: (key, bytes, options) => store.put(key, bytes, options),
    create: (key, options) => store.create(key, options),
    list: (prefix, options) => store.list(prefix, options),
    listFolders: (prefix, options) => store.listFolders(prefix, options),
    delete: (key, options) => store.delete(key, options),
    sweep: (options) => store.sweep(options),
  };
  return { far, counts };
}
