import { DataRefError, shown } from '../errors.js';
import { OrderSequence } from '../order/order-sequence.js';
import type { OrderSpec } from '../order/order.js';
import { layoutHash } from '../order/parts-shuffle.js';
import type { IndexArray, RowRange, RowSource } from '../rows/row-source.js';
import { shareOf, type World } from './deal.js';
import { rowsAhead, stretched } from './outlook.js';
import {
  layersOf,
  pipelineMismatch,
  type Beginning,
  type Cursor,
  type PlanNode,
  type Segment,
  type Start,
} from './plan-node.js';
import { layersFrom, leftIn, type Layer, type Left } from './remaining.js';
import { sameFingerprint } from './state-size.js';
import type { SourceState, StateNode } from './state.js';

export interface SourceOptions {
  readonly startOffset: number;
  readonly order: OrderSpec;
  readonly shardRank: number;
  readonly numShards: number;
  readonly dropShardRemainder: boolean;
  readonly shardBeforeShuffle: boolean;
  readonly shardFirst: boolean;
}

/** Indices prepared for the next epoch for each one handed out now: two suffice to be ready in time. */
const AHEAD = 2;
/**
 * Steps of the next epoch's order that are done at once: about a millisecond. Each time the generator is loaded, and the
 * indices are found out of the cache, so the fewer times the better; a long order's steps take longer.
 */
const sliceOf = (length: number): number => (length <= 2 ** 18 ? 2 ** 17 : 2 ** 15);

/** The dataset in its order, dealt to shards: the root of every pipeline. */
export class SourceNode implements PlanNode<Segment> {
  readonly rows: RowSource;
  readonly options: SourceOptions;
  /** Who shares the sequence that this node plans: one alone where shards were made before it. */
  readonly world: World;
  readonly unit: number;
  /** Positions of one epoch. */
  readonly #length: number;
  /** Positions of one epoch's order. */
  readonly #orderLength: number;
  readonly #orders: OrderSequence;
  /** Indices of the next epoch that are due. */
  #owed = 0;
  /** What all states of this node have in common. */
  #identity: Pick<SourceState, 'dataset' | 'order'> | undefined;

  constructor(rows: RowSource, options: SourceOptions) {
    this.rows = rows;
    this.options = options;
    const { shardRank, numShards, dropShardRemainder, shardBeforeShuffle, shardFirst } = options;
    const isAlone = shardBeforeShuffle || shardFirst;
    if (dropShardRemainder && numShards > rows.length) {
      throw new DataRefError(
        'INVALID_ARGUMENT',
        `numShards is ${numShards}, the dataset has ${rows.length} records: dropShardRemainder leaves none`,
      );
    }
    this.world = isAlone ? { rank: 0, shards: 1 } : { rank: shardRank, shards: numShards };
    this.unit = this.world.shards;
    this.#length = !isAlone
      ? rows.length
      : dropShardRemainder
        ? Math.floor(rows.length / numShards)
        : shareOf(rows.length, shardRank, numShards);
    this.#orderLength = shardBeforeShuffle ? this.#length : rows.length;
    this.#orders = new OrderSequence(options.order, this.#orderLength);
  }

  get total(): number {
    return this.#end(0);
  }

  get own(): number {
    return this.shareOf(this.total);
  }

  /** Of `count` records dealt out: how many this shard gets. */
  shareOf(count: number): number {
    return shareOf(count, this.world.rank, this.world.shards);
  }

  /** Where the first iteration begins: startOffset counts records of this shard, and may exceed an epoch. */
  get first(): { readonly epoch: number; readonly position: number } {
    const { startOffset, dropShardRemainder } = this.options;
    const { shards } = this.world;
    const perEpoch = dropShardRemainder ? Math.floor(this.#length / shards) : Math.ceil(this.#length / shards);
    if (startOffset === 0) return { epoch: 0, position: 0 };
    if (perEpoch === 0)
      throw new DataRefError('INVALID_ARGUMENT', `startOffset is ${startOffset}, the dataset is empty`);
    return { epoch: Math.floor(startOffset / perEpoch), position: (startOffset % perEpoch) * shards };
  }

  open(start: Start): Cursor<Segment> {
    const from = 'node' in start ? this.#check(start.node) : start;
    let { position } = from;
    const { epoch } = from;
    const layers = this.options.shardFirst ? layersFrom(layersOf(start) ?? [], epoch) : [];
    const left = this.#leftIn(layers, epoch);
    const end = left === undefined ? this.#end(position) : this.#shareOf(left);
    return {
      pull(count) {
        const taken = Math.min(count, end - position);
        if (taken <= 0) return [];
        const segment = { epoch, start: position, count: taken, left };
        position += taken;
        return [segment];
      },
      remaining: () => end - position,
      snapshot: () => {
        const at = position;
        return () => this.initial({ epoch, position: at, layers });
      },
      epoch,
      lastEpoch: epoch,
    };
  }

  initial({ epoch, position, layers = [] }: Beginning): SourceState {
    this.#identity ??= this.#identify();
    const { dataset, order } = this.#identity;
    const { numShards, shardFirst, shardRank, dropShardRemainder } = this.options;
    const dealt = shardFirst && { shardFirst: { rank: shardRank, layers: layersFrom(layers, epoch) } };
    const drops = dropShardRemainder && { dropShardRemainder };
    return { kind: 'source', dataset, order, numShards, ...drops, ...dealt, epoch, position };
  }

  #identify(): Pick<SourceState, 'dataset' | 'order'> {
    const { order, shardBeforeShuffle, shardRank, numShards } = this.options;
    const { algorithm, seed, reshuffle, layout } = order;
    const { id, version, length } = this.rows;
    return {
      dataset: Object.freeze({ id, version, fingerprint: this.rows.fingerprint(), length }),
      order: Object.freeze({
        algorithm,
        seed,
        reshuffle,
        shardBeforeShuffle: shardBeforeShuffle ? Object.freeze([shardRank, numShards] as const) : null,
        ...(layout && { window: layout.window, layout: layoutHash(layout.partRecords) }),
      }),
    };
  }

  /** Writes the indices of planned positions start, start + stride, … of a segment's epoch. */
  fill(segment: Segment, out: IndexArray, offset: number, count: number, start: number, stride: number): void {
    const { shardRank, numShards, shardBeforeShuffle, shardFirst } = this.options;
    const order = this.#orders.at(segment.epoch);
    const step = shardFirst ? stride * numShards : stride;
    const apart = this.#irregularIn(segment, count, start, step);
    for (let row = 0; row < apart; row++)
      order.fill(out, offset + row, 1, this.positionOf(segment, start + row * stride), 1);
    if (apart < count) {
      const next = this.positionOf(segment, start + apart * stride);
      order.fill(out, offset + apart, count - apart, next, step);
    }
    this.#owed += count * step * AHEAD;
    if (this.#owed >= sliceOf(this.#orderLength)) {
      this.#orders.prepareNext(this.#owed);
      this.#owed = 0;
    }
    if (!shardBeforeShuffle) return;
    for (let i = offset; i < offset + count; i++) out[i] = shardRank + (out[i] as number) * numShards;
  }

  /** Where a planned position is in the order of its epoch. */
  positionOf({ left }: Pick<Segment, 'left'>, planned: number): number {
    const { shardFirst, shardRank, numShards } = this.options;
    if (!shardFirst) return planned;
    const k = shardRank + planned * numShards;
    return left === undefined ? k : left.at(k);
  }

  /** Keeps open what reading needs, and tells the rows what comes next: from the segment on, whenever they ask. */
  hold(segment: () => Segment): () => Promise<void> {
    const outlook = rowsAhead(this.options.order, this.#orderLength);
    const { shardBeforeShuffle, numShards } = this.options;
    const ranges = (): Iterable<RowRange> => {
      const first = segment();
      return outlook({ epoch: first.epoch, position: this.positionOf(first, first.start) });
    };
    const { length } = this.rows;
    return this.rows.hold(() => (shardBeforeShuffle ? stretched(ranges(), numShards, length) : ranges()), this);
  }

  /** Of `count` positions: how many at the beginning do not lie in one stride, where other ranks' done ones are between them. */
  #irregularIn({ left }: Segment, count: number, start: number, step: number): number {
    if (left === undefined) return 0;
    const { shardRank, numShards } = this.options;
    return Math.min(count, shareOf(left.regularFrom, shardRank + start * numShards, step));
  }

  #leftIn(layers: readonly Layer[], epoch: number): Left | undefined {
    return layers.length === 0 ? undefined : leftIn(layers, this.rows.length, epoch);
  }

  #shareOf({ length }: Left): number {
    return shareOf(length, this.options.shardRank, this.options.numShards);
  }

  /** Positions that are used of an epoch that begins at `base`. */
  #end(base: number): number {
    const { shards } = this.world;
    return this.options.dropShardRemainder ? base + Math.floor((this.#length - base) / shards) * shards : this.#length;
  }

  #check(node: StateNode): { readonly epoch: number; readonly position: number } {
    if (node.kind !== 'source') throw pipelineMismatch('source', node);
    const mine = this.initial(node);
    this.#checkShare(node);
    const world = JSON.stringify(mine.order.shardBeforeShuffle);
    if (JSON.stringify(node.order.shardBeforeShuffle) !== world) {
      throw new DataRefError(
        'STATE_WORLD',
        `the state was made with shardBeforeShuffle ${JSON.stringify(node.order.shardBeforeShuffle)} ([rank, shards]), this stream has ${world}. Such a state belongs to one rank and world; without shardBeforeShuffle any world can go on`,
      );
    }
    const pairs: [string, unknown, unknown][] = [
      ['dataset.length', node.dataset.length, mine.dataset.length],
      ['dataset.fingerprint', node.dataset.fingerprint, mine.dataset.fingerprint],
      ['order.algorithm (shuffle, shuffleAlgorithm)', node.order.algorithm, mine.order.algorithm],
      ['order.seed (shuffleSeed)', node.order.seed, mine.order.seed],
      ['order.reshuffle (skipShuffleAtEpochEnd)', node.order.reshuffle, mine.order.reshuffle],
      ['order.window (shuffleWindow)', node.order.window, mine.order.window],
      ['order.layout', node.order.layout, mine.order.layout],
      ['records of the shard (dropShardRemainder)', orderLengthOf(node), this.#orderLength],
    ];
    for (const [field, theirs, ours] of pairs) {
      if (theirs === ours || (field === 'dataset.fingerprint' && sameFingerprint(String(theirs), String(ours))))
        continue;
      const { id, version } = node.dataset;
      const replaced = field.startsWith('dataset')
        ? `. The state belongs to other data${id === '' ? '' : ` (${shown(`${id}@${version}`)})`}: it was replaced since, or is another one. Start anew with resume(undefined), and give changed data a version of its own`
        : field === 'order.layout'
          ? ". The same records are cut into other parts here, which the order 'parts' depends on: go on with the dataset as it was written, or start anew with resume(undefined)"
          : '';
      throw new DataRefError(
        'STATE_MISMATCH',
        `the state does not belong to this stream: ${field} is ${shown(String(theirs))} in the state, ${shown(String(ours))} here${replaced}`,
        {
          details: { field, state: theirs, stream: ours },
        },
      );
    }
    const left = this.#leftIn(node.shardFirst?.layers ?? [], node.epoch);
    const length = left === undefined ? this.#length : this.#shareOf(left);
    if (node.position > length) {
      throw new DataRefError('STATE_INVALID', `the state's position is ${node.position}, an epoch has ${length}`);
    }
    return { epoch: node.epoch, position: node.position };
  }

  /** Of `shardFirst`: a rank's own state is good for that rank alone, a joined one for any. */
  #checkShare({ shardFirst, numShards }: SourceState): void {
    const { options } = this;
    const here = `this stream is rank ${options.shardRank} of ${options.numShards}`;
    if ((shardFirst !== undefined) !== options.shardFirst) {
      throw new DataRefError(
        'STATE_WORLD',
        `the state was made ${shardFirst === undefined ? 'without' : 'with'} shardFirst, ${here} ${options.shardFirst ? 'with' : 'without'} it: what such a state says is done is another thing. Build the stream as it was`,
      );
    }
    if (shardFirst === undefined || shardFirst.rank === null) return;
    if (shardFirst.rank === options.shardRank && numShards === options.numShards) return;
    throw new DataRefError(
      'STATE_WORLD',
      `the state is of rank ${shardFirst.rank} of ${numShards} alone, as shardFirst makes them; ${here}. joinStates([...]) makes one of the states of all ranks, which any world can resume`,
      { details: { rank: shardFirst.rank, numShards } },
    );
  }
}

/** Positions of one epoch's order, where a state was made. */
export function orderLengthOf({ dataset, order, dropShardRemainder }: SourceState): number {
  const { length } = dataset;
  if (order.shardBeforeShuffle === null) return length;
  const [rank, shards] = order.shardBeforeShuffle;
  return dropShardRemainder === true ? Math.floor(length / shards) : shareOf(length, rank, shards);
}
