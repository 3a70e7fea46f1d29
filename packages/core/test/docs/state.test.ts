import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { fromColumns, joinStates, mix, parseState, type StateNode, type Stream, type StreamState } from '@dataref/core';

const page = readFileSync(new URL('../../../../docs/state.md', import.meta.url), 'utf8');
const dataref = fromColumns(Int32Array.from({ length: 10 }, (_, i) => i));

/** The table's rows: pipeline, shard, after, epoch, nodes, next. */
const rows = [...page.split('## Test vectors')[1]!.matchAll(/^\|(.*)\|$/gm)]
  .map(([, row]) => row!.split('|').map((cell) => cell.trim()))
  .filter(([pipeline]) => pipeline !== 'pipeline' && !pipeline!.startsWith('---'));

/** The stream that a row's first two cells describe. */
function build([pipeline, shard]: readonly string[]): any {
  const [share, ...options] = shard!.split(', ');
  const [shardRank, numShards] = share!.split(' of ').map(Number) as [number, number];
  const order = { shuffle: true, shuffleSeed: 777 } as const;
  let stream: any = dataref.stream({
    ...order,
    shardRank,
    numShards,
    ...Object.fromEntries(options.map((option) => option.split(' ')).map(([name, n]) => [name, n ? Number(n) : true])),
  });
  for (const [, method, list] of pipeline!.matchAll(/(\w+)\(([\w,]*)\)/g)) {
    const args = list === '' ? [] : list!.split(',');
    const [first, second] = args.map(Number);
    switch (method) {
      case 'map':
        stream = stream.map((x: number) => x, args.length > 0 ? { id: args[0] } : {});
        break;
      case 'filter':
        stream = stream.filter((x: number) => x % 2 === 1);
        break;
      case 'flatMap':
        stream = stream.flatMap((x: number) => new Array<number>(x % 3).fill(x));
        break;
      case 'tokens':
        stream = stream.map((x: number) => new Int32Array(x % 4).fill(x));
        break;
      case 'pack':
        stream = stream.pack(first, second === undefined ? {} : { strategy: 'best-fit', blockSize: second });
        break;
      case 'window':
        stream = stream.window(first, second === undefined ? {} : { shift: second });
        break;
      case 'bucketByLength':
        stream = stream.bucketByLength(first, { blockSize: second, lengthOf: (x: number) => x });
        break;
      case 'mix': {
        const inputs = [dataref.stream(order), dataref.stream()];
        stream = mix(inputs, { weights: args.map(Number), until: 'allEnd', shardRank, numShards });
        break;
      }
      default:
        stream = stream[method!](...args.map(Number));
    }
  }
  return stream;
}

function describeNodes(node: StateNode): string {
  if (node.kind === 'join') {
    const { name, epoch, counts, ended, inputs } = node;
    return `${name} ${epoch} [${counts.join(' ')}] [${ended.join(' ')}] {${inputs.map(describeNodes).join('; ')}}`;
  }
  if (node.kind === 'source') return `source ${node.epoch}:${node.position}`;
  return `${node.name} ${node.count}, ${describeNodes(node.input)}`;
}

function shown(value: any): string {
  if (value === undefined) return 'none';
  if (typeof value === 'number') return String(value);
  if ('segmentIds' in value) return Array.from(value.values.data as ArrayLike<number>).join(', ');
  return (Array.isArray(value) ? value : Array.from(value.indices as ArrayLike<number>)).join(', ');
}

async function stateAfter(stream: Stream, count: number): Promise<StreamState> {
  const iterator = stream[Symbol.asyncIterator]();
  for (let i = 0; i < count; i++) expect((await iterator.next()).done).toBe(false);
  return JSON.parse(JSON.stringify(stream.state)) as StreamState;
}

test('docs/state.md has vectors of every transform', () => {
  expect(rows.length).toBeGreaterThanOrEqual(39);
  const text = rows.flat().join(' ');
  for (const name of [
    'batch',
    'globalBatch',
    'repeat',
    'take',
    'skip',
    'map',
    'shardBeforeShuffle',
    'shardFirst',
    'startOffset',
    'filter',
    'flatMap',
    'window',
    'unbatch',
    'bucketByLength',
    'mix',
  ]) {
    expect(text).toContain(name);
  }
});

test.each(rows)('%s on %s has the state and the rest that docs/state.md says, after %s', async (...row) => {
  const [, , after, epoch, nodes, next] = row;
  const state = await stateAfter(build(row), Number(after));
  expect([String(state.epoch), describeNodes(state.node)]).toEqual([epoch, nodes]);
  const { value } = await build(row).resume(state)[Symbol.asyncIterator]().next();
  expect(shown(value)).toBe(next);
});

test('the state that docs/state.md prints is that of its fourth row', async () => {
  const printed: unknown = JSON.parse(/^```json\n(.*?)^```$/ms.exec(page)![1]!);
  expect(printed).toEqual(await stateAfter(build(rows[3]!), Number(rows[3]![2])));
  expect(parseState(printed)).toEqual(printed);
});

test('the joined state that docs/state.md prints goes on as it says', async () => {
  const printed = JSON.parse([...page.matchAll(/^```json\n(.*?)^```$/gms)][1]![1]!) as StreamState;
  const shard = (shardRank: number, numShards: number) =>
    dataref.stream({ shuffle: true, shuffleSeed: 777, shardRank, numShards, shardFirst: true });
  const states = await Promise.all([stateAfter(shard(0, 2), 4), stateAfter(shard(1, 2), 1)]);
  expect(printed).toEqual(joinStates(states));
  const [, first, second, third] = /goes on with ([\d, ]+), the second with ([\d, ]+), the third with (\d+)\./.exec(
    page,
  )!;
  for (const [rank, listed] of [first!, second!, third!].entries()) {
    const rest: number[] = [];
    for await (const record of shard(rank, 3).resume(printed)) rest.push(record);
    expect(rest.join(', ')).toBe(listed);
  }
});

test('the random numbers of map are those of docs/state.md', async () => {
  const [, key, list] = /`(\d+\/\d+\/\d+)` gives ([\d., ]+\d)\./.exec(page)!;
  expect(key).toBe('777/0/2'); // the first record of the vectors' epoch 0 is index 2
  const drawn = dataref
    .stream({ shuffle: true, shuffleSeed: 777 })
    .map((_, { random }) => [random(), random(), random()] as [number, number, number]);
  const { value } = await drawn[Symbol.asyncIterator]().next();
  expect(value).toEqual(list!.split(', ').map(Number));
});
