// Pipelines of the first release, of which golden/states.json was made and which go on from it: a program that both releases run.

const SHUFFLED = { shuffle: true, shuffleSeed: 777 };
const RANK = { shardRank: 1, numShards: 3 };

/** The datasets, from a release of @dataref/core and a storage of it. */
export async function openDatasets({ concat, defineDataRef, field, fromColumns, fromRecords, ndarray }, storage) {
  const x = Int32Array.from({ length: 23 }, (_, i) => i * 3);
  const image = ndarray(
    Uint8Array.from({ length: 23 * 4 }, (_, i) => i),
    [23, 2, 2],
  );
  const text = Array.from({ length: 23 }, (_, i) => `text ${i}`);
  const columns = fromColumns({ x, image, text });
  const records = await fromRecords(Array.from({ length: 9 }, (_, i) => ({ i, name: `n${i}` })));
  await storage.submit(columns, 'golden', '1.0');
  const custom = defineDataRef({
    length: 12,
    schema: field('float64'),
    fingerprint: 'v1',
    read: (indices) => indices.map((i) => i / 2),
  });
  return {
    columns,
    records,
    custom,
    stored: await storage.fetch('golden', '1.0'),
    slice: columns.slice(3, 17),
    select: columns.select('x', 'text'),
    split: columns.split({ most: 0.7, rest: 0.3 }, { seed: 5 }).most,
    concat: concat(columns.select('x'), columns.select('x').slice(0, 4)),
  };
}

const drawing = (record, { index, epoch, random }) => ({ index, epoch, drawn: random() });

/** Streams over them. */
export const PIPELINES = {
  'as it is': ({ columns }) => columns.stream(),
  'shuffled, in batches': ({ columns }) => columns.stream(SHUFFLED).batch(4),
  'shuffled by permutation': ({ stored }) => stored.stream({ ...SHUFFLED, shuffleAlgorithm: 'permutation' }).batch(3),
  'every epoch alike': ({ records }) => records.stream({ ...SHUFFLED, skipShuffleAtEpochEnd: true }).repeat(2),
  'a rank of three': ({ stored }) => stored.stream({ ...SHUFFLED, ...RANK }).batch(2),
  'a rank of three, global batches': ({ stored }) => stored.stream({ ...SHUFFLED, ...RANK }).globalBatch(5),
  'a rank of three, remainder dropped': ({ columns }) =>
    columns.stream({ ...SHUFFLED, ...RANK, dropShardRemainder: true }).batch(2),
  'sharded before the shuffle': ({ custom }) => custom.stream({ ...SHUFFLED, ...RANK, shardBeforeShuffle: true }),
  'with an offset': ({ custom }) => custom.stream({ ...SHUFFLED, startOffset: 17 }).batch(5),
  'maps, named and not': ({ columns }) =>
    columns
      .stream(SHUFFLED)
      .map(drawing)
      .map((record) => ({ ...record, x: 1 }), { id: 'one' })
      .batch(3),
  'take, skip, repeat': ({ slice }) => slice.stream(SHUFFLED).skip(2).take(7).repeat(2).batch(3).take(4).skip(1),
  endless: ({ select }) => select.stream(SHUFFLED).repeat().batch(7, { remainder: 'drop' }).prefetch(),
  padded: ({ split }) => split.stream(SHUFFLED).batch(4, { remainder: 'pad' }),
  'joined datasets': ({ concat }) => concat.stream({ ...SHUFFLED, shardRank: 0, numShards: 2 }).map(drawing),
};

/** An element as JSON. */
export function shown(element) {
  const plain = (value) => {
    if (ArrayBuffer.isView(value)) return Array.from(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  };
  if (typeof element?.records !== 'function') return plain(element);
  return { validLength: element.validLength, records: plain(element.records()), indices: Array.from(element.indices) };
}
