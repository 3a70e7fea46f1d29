import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { fromColumns, parseState, type StateNode, type Stream, type StreamState } from '@dataref/core';

const page = readFileSync(new URL('../../../../docs/state.md', import.meta.url), 'utf8');
const dataref = fromColumns(Int32Array.from({ length: 10 }, (_, i) => i));

/** The table's rows: pipeline, shard, after, epoch, nodes, next. */
const rows = [...page.split('## Test vectors')[1]!.matchAll(/^\|(.*)\|$/gm)]
  .map(([, row]) => row!.split('|').map((cell) => cell.trim()))
  .slice(2);

/** The stream that a row's first two cells describe. */
function build([pipeline, shard]: readonly string[]): any {
  const [share, ...options] = shard!.split(', ');
  const [shardRank, numShards] = share!.split(' of ').map(Number) as [number, number];
  let stream: any = dataref.stream({
    shuffle: true,
    shuffleSeed: 777,
    shardRank,
    numShards,
    ...Object.fromEntries(options.map((option) => option.split(' ')).map(([name, n]) => [name, n ? Number(n) : true])),
  });
  for (const [, method, argument] of pipeline!.matchAll(/(\w+)\((\w*)\)/g)) {
    const isMap = method === 'map';
    stream = isMap ? stream.map((x: number) => x, argument ? { id: argument } : {}) : stream[method!](Number(argument));
  }
  return stream;
}

function describeNodes(node: StateNode): string {
  if (node.kind === 'join') return node.name;
  if (node.kind === 'source') return `source ${node.epoch}:${node.position}`;
  return `${node.name} ${node.count}, ${describeNodes(node.input)}`;
}

async function stateAfter(stream: Stream, count: number): Promise<StreamState> {
  const iterator = stream[Symbol.asyncIterator]();
  for (let i = 0; i < count; i++) expect((await iterator.next()).done).toBe(false);
  return JSON.parse(JSON.stringify(stream.state)) as StreamState;
}

test('docs/state.md has vectors of every transform', () => {
  expect(rows.length).toBeGreaterThanOrEqual(19);
  const text = rows.flat().join(' ');
  for (const name of ['batch', 'globalBatch', 'repeat', 'take', 'skip', 'map', 'shardBeforeShuffle', 'startOffset']) {
    expect(text).toContain(name);
  }
});

test.each(rows)('%s on %s has the state and the rest that docs/state.md says, after %s', async (...row) => {
  const [, , after, epoch, nodes, next] = row;
  const state = await stateAfter(build(row), Number(after));
  expect([String(state.epoch), describeNodes(state.node)]).toEqual([epoch, nodes]);
  const { value } = await build(row).resume(state)[Symbol.asyncIterator]().next();
  expect((typeof value === 'number' ? [value] : Array.from(value.indices)).join(', ')).toBe(next);
});

test('the state that docs/state.md prints is that of its fourth row', async () => {
  const printed: unknown = JSON.parse(/^```json\n(.*?)^```$/ms.exec(page)![1]!);
  expect(printed).toEqual(await stateAfter(build(rows[3]!), Number(rows[3]![2])));
  expect(parseState(printed)).toEqual(printed);
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
