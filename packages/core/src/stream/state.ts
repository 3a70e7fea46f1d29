import { MAX_SEED } from '../order/checks.js';
import { maxEpoch } from '../order/order.js';
import type { Layer, Reached } from './remaining.js';
import { count, invalid, listOf, objectOf, show, text } from './state-fields.js';

/** Where a stream stands: plain JSON, the same after JSON.parse(JSON.stringify(state)). Specified in docs/state.md. */
export type StreamState = {
  readonly format: 'dataref-state';
  readonly version: 1;
  /** The epoch that the next element belongs to: what a trainer passes as `initialEpoch`. */
  readonly epoch: number;
  readonly node: StateNode;
};
export type SourceState = {
  readonly kind: 'source';
  readonly dataset: {
    readonly id: string;
    readonly version: string;
    readonly fingerprint: string;
    readonly length: number;
  };
  readonly order: {
    readonly algorithm: 'sequential' | 'numpy' | 'permutation' | 'parts';
    readonly seed: number | null;
    readonly reshuffle: boolean;
    /** Rank and number of shards where shards were made before the shuffle. */
    readonly shardBeforeShuffle: readonly [rank: number, shards: number] | null;
    /** Parts of a window; only of 'parts'. */
    readonly window?: number;
    /** Which numbers of records the parts have: 16 hexadecimal digits; only of 'parts'. */
    readonly layout?: string;
  };
  /** The world that made the state; another may go on with it. */
  readonly numShards: number;
  /** Only where records that do not deal out evenly are left out. */
  readonly dropShardRemainder?: true;
  /** Only of `shardFirst`, whose epoch and position are those of one rank alone. */
  readonly shardFirst?: {
    /** null: of no rank, but joined of the states of all. */
    readonly rank: number | null;
    /** What was done before these ranks were dealt what is left: for each world before, how far each of its ranks came. */
    readonly layers: readonly Layer[];
  };
  readonly epoch: number;
  /** Over all shards: the next record is the one at this position of the epoch's order. */
  readonly position: number;
};
export type StepState = {
  readonly kind: 'step';
  readonly name: string;
  readonly count: number;
  readonly input: StateNode;
};
/** Several inputs: each with its own state, and how many of its outputs were taken. */
export type JoinState = {
  readonly kind: 'join';
  /** `zip`, `concat`, or `mix` with its weights, end and seed in parentheses. */
  readonly name: string;
  /** The pass that the join is in. */
  readonly epoch: number;
  readonly counts: readonly number[];
  /** Inputs that had no more. */
  readonly ended: readonly number[];
  readonly inputs: readonly StateNode[];
};
export type StateNode = SourceState | StepState | JoinState;

const MAX_DEPTH = 256;
/** Of all pipelines that are joined, at most: nodes may be one object many times over. */
const MAX_NODES = 2 ** 16;
/** A stream's own limit. */
const MAX_SHARDS = 2 ** 31 - 1;
/** Streams joined at one place, at most. */
export const MAX_INPUTS = 1024;
/** Ranks that `shardFirst` deals to, at most: a state holds a place for each once they were joined. */
export const MAX_RANKS = 2 ** 14;
/** Worlds that a state remembers, at most. */
export const MAX_LAYERS = 64;
/** Epochs that one rank may be ahead of another, at most. */
export const MAX_LEAD = 2 ** 16;

/** What was counted so far of the whole state. */
interface Counted {
  nodes: number;
  /** Ranks of layers. */
  ranks: number;
}

/**
 * A checked copy of a state that comes from outside: from JSON, a checkpoint, another process.
 * @throws DataRefError STATE_INVALID naming the field
 */
export function parseState(value: unknown): StreamState {
  if (typeof value === 'string') throw invalid('state', 'an object; this is text: JSON.parse it first');
  const state = objectOf(value, 'state');
  if (typeof state['format'] !== 'string' && 'state' in state)
    throw invalid('state', 'the state itself: did you mean batch.state or stream.state?');
  if (state['format'] !== 'dataref-state') throw invalid('format', `"dataref-state", got ${show(state['format'])}`);
  if (state['version'] !== 1)
    throw invalid('version', `1, got ${show(state['version'])}; it was written by another release`);
  return {
    format: 'dataref-state',
    version: 1,
    epoch: count(state['epoch'], 'epoch', MAX_SEED),
    node: parseNode(state['node'], 'node', 0, { nodes: 0, ranks: 0 }),
  };
}

function parseNode(value: unknown, path: string, depth: number, counted: Counted): StateNode {
  if (depth > MAX_DEPTH) throw invalid(path, `at most ${MAX_DEPTH} nested nodes`);
  if (++counted.nodes > MAX_NODES) throw invalid(path, `absent: a state has at most ${MAX_NODES} nodes`);
  const node = objectOf(value, path);
  if (node['kind'] === 'step') {
    const steps = node['count'];
    const name = text(node['name'], `${path}.name`);
    if (typeof steps !== 'number' || !(steps >= 0 && steps <= Number.MAX_SAFE_INTEGER))
      throw invalid(`${path}.count`, `a number ≥ 0, got ${show(steps)}`);
    // Those that count outputs of one shard stand between two of them where the world has changed.
    if (!Number.isInteger(steps) && name !== 'take' && name !== 'skip')
      throw invalid(`${path}.count`, `an integer ≥ 0, got ${show(steps)}`);
    return {
      kind: 'step',
      name,
      count: steps,
      input: parseNode(node['input'], `${path}.input`, depth + 1, counted),
    };
  }
  if (node['kind'] === 'join') return parseJoin(node, path, depth, counted);
  if (node['kind'] !== 'source') throw invalid(`${path}.kind`, `"source", "step" or "join", got ${show(node['kind'])}`);
  return parseSource(node, path, counted);
}

function parseJoin(node: Record<string, unknown>, path: string, depth: number, counted: Counted): JoinState {
  const inputs = listOf(node['inputs'], `${path}.inputs`, MAX_INPUTS).map((input, i) =>
    parseNode(input, `${path}.inputs[${i}]`, depth + 1, counted),
  );
  const counts = listOf(node['counts'], `${path}.counts`, MAX_INPUTS).map((value, i) =>
    count(value, `${path}.counts[${i}]`),
  );
  if (counts.length !== inputs.length)
    throw invalid(`${path}.counts`, `${inputs.length} numbers, got ${counts.length}`);
  const ended = listOf(node['ended'], `${path}.ended`, inputs.length).map((value, i) =>
    count(value, `${path}.ended[${i}]`),
  );
  if (ended.some((i) => i >= inputs.length)) throw invalid(`${path}.ended`, `numbers below ${inputs.length}`);
  return {
    kind: 'join',
    name: text(node['name'], `${path}.name`),
    epoch: count(node['epoch'], `${path}.epoch`, MAX_SEED),
    counts,
    ended,
    inputs,
  };
}

function parseSource(node: Record<string, unknown>, path: string, counted: Counted): SourceState {
  const dataset = objectOf(node['dataset'], `${path}.dataset`);
  const order = objectOf(node['order'], `${path}.order`);
  const { algorithm, reshuffle } = order;
  if (algorithm !== 'sequential' && algorithm !== 'numpy' && algorithm !== 'permutation' && algorithm !== 'parts') {
    throw invalid(`${path}.order.algorithm`, `sequential, numpy, permutation or parts, got ${show(algorithm)}`);
  }
  if (typeof reshuffle !== 'boolean') throw invalid(`${path}.order.reshuffle`, `a boolean, got ${show(reshuffle)}`);
  const seed =
    order['seed'] === null && algorithm === 'sequential' ? null : count(order['seed'], `${path}.order.seed`, MAX_SEED);
  const length = count(dataset['length'], `${path}.dataset.length`);
  const position = count(node['position'], `${path}.position`);
  if (position > length) throw invalid(`${path}.position`, `at most ${length}, got ${position}`);
  const numShards = count(node['numShards'], `${path}.numShards`, MAX_SHARDS);
  if (numShards < 1) throw invalid(`${path}.numShards`, 'at least 1, got 0');
  const epoch = count(node['epoch'], `${path}.epoch`, maxEpoch({ algorithm, seed, reshuffle }));
  const dealt = node['shardFirst'];
  const shardBeforeShuffle = parseShard(order['shardBeforeShuffle'], `${path}.order.shardBeforeShuffle`);
  if (dealt !== undefined && shardBeforeShuffle !== null)
    throw invalid(`${path}.shardFirst`, 'absent where order.shardBeforeShuffle is not null');
  const shardFirst =
    dealt === undefined ? undefined : parseDealt(dealt, `${path}.shardFirst`, { numShards, length, epoch, counted });
  if (shardFirst?.rank === null && position !== 0)
    throw invalid(`${path}.position`, `0 where the states of several ranks were joined, got ${position}`);
  const drops = node['dropShardRemainder'];
  if (drops !== undefined && drops !== true)
    throw invalid(`${path}.dropShardRemainder`, `true or absent, got ${show(drops)}`);
  return {
    kind: 'source',
    dataset: {
      id: text(dataset['id'], `${path}.dataset.id`),
      version: text(dataset['version'], `${path}.dataset.version`),
      fingerprint: text(dataset['fingerprint'], `${path}.dataset.fingerprint`),
      length,
    },
    order: {
      algorithm,
      seed,
      reshuffle,
      shardBeforeShuffle,
      ...(algorithm === 'parts' ? parseLayout(order, `${path}.order`) : {}),
    },
    numShards,
    ...(drops && { dropShardRemainder: true as const }),
    ...(shardFirst && { shardFirst }),
    epoch,
    position,
  };
}

/** What `shardFirst` adds: positions of one rank, and what was done before the ranks were dealt the rest. */
function parseDealt(
  value: unknown,
  path: string,
  source: { readonly numShards: number; readonly length: number; readonly epoch: number; readonly counted: Counted },
): Required<SourceState>['shardFirst'] {
  const dealt = objectOf(value, path);
  const rank = dealt['rank'] === null ? null : count(dealt['rank'], `${path}.rank`);
  if (rank !== null && rank >= source.numShards)
    throw invalid(`${path}.rank`, `below ${source.numShards}, got ${rank}`);
  const layers = listOf(dealt['layers'], `${path}.layers`, MAX_LAYERS).map((layer, i) =>
    parseLayer(layer, `${path}.layers[${i}]`, source),
  );
  return { rank, layers };
}

function parseLayer(
  value: unknown,
  path: string,
  { length, epoch, counted }: { readonly length: number; readonly epoch: number; readonly counted: Counted },
): Layer {
  const ranks = listOf(value, path, MAX_RANKS);
  counted.ranks += ranks.length;
  if (counted.ranks > MAX_LAYERS * MAX_RANKS) throw invalid(path, `absent: a state has at most ${MAX_LAYERS} layers`);
  const layer = ranks.map((rank, i): Reached => {
    const at = `${path}[${i}]`;
    if (!Array.isArray(rank) || rank.length !== 2) throw invalid(at, `[epoch, records], got ${show(rank)}`);
    const reached = count(rank[0], `${at}[0]`);
    const records = count(rank[1], `${at}[1]`);
    if (reached > epoch + MAX_LEAD)
      throw invalid(`${at}[0]`, `at most ${MAX_LEAD} epochs after ${epoch}, got ${reached}`);
    if (records > length) throw invalid(`${at}[1]`, `at most ${length}, got ${records}`);
    return [reached, records];
  });
  if (layer.length === 0) throw invalid(path, 'a list of at least one rank');
  return layer;
}

function parseLayout(
  order: Record<string, unknown>,
  path: string,
): { readonly window: number; readonly layout: string } {
  const window = count(order['window'], `${path}.window`);
  if (window < 1) throw invalid(`${path}.window`, 'at least 1, got 0');
  const layout = text(order['layout'], `${path}.layout`);
  if (!/^[0-9a-f]{16}$/u.test(layout)) throw invalid(`${path}.layout`, `16 hexadecimal digits, got ${show(layout)}`);
  return { window, layout };
}

function parseShard(value: unknown, path: string): readonly [number, number] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== 2) throw invalid(path, `null or [rank, shards], got ${show(value)}`);
  const [rank, shards] = [count(value[0], `${path}[0]`), count(value[1], `${path}[1]`, MAX_SHARDS)];
  if (shards < 1) throw invalid(`${path}[1]`, 'at least 1, got 0');
  if (rank >= shards) throw invalid(`${path}[0]`, `below ${shards}, got ${rank}`);
  return [rank, shards];
}

/** The dataset's part of a state: the one source at its root; undefined where several streams are joined. */
export function sourceOf(state: { readonly node: StateNode }): SourceState | undefined {
  let { node } = state;
  while (node.kind === 'step') node = node.input;
  return node.kind === 'source' ? node : undefined;
}
