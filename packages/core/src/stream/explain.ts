import { shown } from '../errors.js';
import { openOrder } from '../order/order.js';

import { leftIn } from './remaining.js';
import { orderLengthOf } from './source-node.js';
import { parseState, type SourceState, type StateNode, type StreamState } from './state.js';

/**
 * Where a stream stands, in words: the dataset, the epoch, the position, the record that comes next, and what each
 * transform holds. One line a node, the outermost transform first.
 * @throws DataRefError STATE_INVALID
 */
export function explain(state: StreamState): string {
  const { epoch, node } = parseState(state);
  return [`The next element is of epoch ${epoch}.`, ...linesOf(node, '', false)].join('\n');
}

/** @param skips whether a skip comes after it that has left nothing out yet: how much it will, states do not hold */
function linesOf(node: StateNode, indent: string, skips: boolean): string[] {
  if (node.kind === 'source') return sourceLines(node, indent, skips);
  if (node.kind === 'step') {
    const { name, count, input } = node;
    const skipsNext = skips || (name === 'skip' && count === 0);
    return [`${indent}${stepLine(name, count)}`, ...linesOf(input, indent, skipsNext)];
  }
  const taken = node.counts.map((count, i) => `${count} of input ${i}${node.ended.includes(i) ? ' (ended)' : ''}`);
  return [
    `${indent}${shown(node.name)}: epoch ${node.epoch}, ${taken.join(', ')} taken`,
    ...node.inputs.flatMap((input, i) => [`${indent}input ${i}:`, ...linesOf(input, `${indent}  `, skips)]),
  ];
}

/** The longest order that is computed to name one record. */
const MAX_SHUFFLED = 2 ** 20;

/** What a step's count means; steps without an entry hold nothing. */
const MEANINGS: Readonly<Record<string, (count: number) => string>> = {
  batch: (count) => `${count} batches given in this iteration`,
  take: (count) => `${count} elements of a shard given in this iteration`,
  skip: (count) => (count === 0 ? 'nothing left out yet' : `${count} elements of a shard left out`),
  repeat: (count) => `pass ${count}, counted from 0`,
  flatMap: (count) => `${count} outputs of the next record given already`,
  unbatch: (count) => `${count} rows of the next batch given already`,
  window: (count) => `${count} records still to be left out`,
  pack: (count) => `${count} positions of the next record, or rows of the next block, given already`,
  bucketByLength: (count) => `${count} records of the next block given already`,
};

function stepLine(name: string, count: number): string {
  const word = /^[A-Za-z]+/u.exec(name)?.[0] ?? '';
  const meaning = Object.hasOwn(MEANINGS, word) ? MEANINGS[word] : undefined;
  return `${shown(name)}: ${meaning === undefined ? 'holds nothing' : meaning(count)}`;
}

function sourceLines(source: SourceState, indent: string, skips: boolean): string[] {
  const { dataset, order, epoch, position, shardFirst } = source;
  const { id, version, length } = dataset;
  const name = id === '' ? 'a dataset in memory' : shown(`${id}@${version}`);
  const { algorithm, seed, reshuffle } = order;
  const how = algorithm === 'sequential' ? 'in its own order' : `shuffled by ${algorithm}, seed ${seed}${reshuffle ? '' : ', every epoch alike'}`; // prettier-ignore
  const place = shardFirst?.rank === null ? '' : `, position ${position}`;
  return [
    `${indent}${name}, ${length.toLocaleString('en-US')} records, ${how}: epoch ${epoch}${place}${shareLine(source)}`,
    `${indent}  ${nextRecord(source, skips)}`,
  ];
}

/** Whose positions they are. */
function shareLine({ dataset, order, numShards, epoch, shardFirst }: SourceState): string {
  if (order.shardBeforeShuffle !== null)
    return `, in shard ${order.shardBeforeShuffle[0]} of ${order.shardBeforeShuffle[1]}`;
  if (shardFirst === undefined)
    return numShards === 1 ? '' : `, over all ${numShards} shards of the job that made the state`;
  const left = leftIn(shardFirst.layers, dataset.length, epoch).length.toLocaleString('en-US');
  if (shardFirst.rank === null) return `, of which ${left} are left: joined of ${numShards} ranks`;
  const before = shardFirst.layers.length === 0 ? '' : `, of the ${left} that were left when it began`;
  return `, of rank ${shardFirst.rank} of ${numShards} alone${before}`;
}

function nextRecord(source: SourceState, skips: boolean): string {
  const { order, numShards, epoch, position, shardFirst } = source;
  const { algorithm, seed, reshuffle, shardBeforeShuffle: shard } = order;
  const length = orderLengthOf(source);
  const left = leftIn(shardFirst?.layers ?? [], length, epoch);
  const rank = shardFirst?.rank ?? null;
  const place = rank === null ? position : rank + position * numShards;
  if (place >= left.length) return 'nothing of this epoch is left';
  if (algorithm === 'parts') return 'which record comes next depends on how the dataset is cut into parts';
  if (algorithm === 'numpy' && length > MAX_SHUFFLED) return 'which record comes next takes a shuffle of all to tell';
  const out = new Float64Array(1);
  openOrder({ algorithm, seed, reshuffle }, length, epoch).fill(out, 0, 1, left.at(place), 1);
  const index = shard === null ? (out[0] as number) : shard[0] + (out[0] as number) * shard[1];
  return skips ? `skip begins with record ${index}, and leaves out what it was told to` : `comes next: record ${index}`;
}
