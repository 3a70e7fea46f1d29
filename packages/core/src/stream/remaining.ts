import { shareOf } from './deal.js';

/** How far one rank has come: the epoch that it is in, and how many of its records of that epoch are done. */
export type Reached = readonly [epoch: number, records: number];

/** How far the ranks of one world have come, rank by rank, with what was left when they began. */
export type Layer = readonly Reached[];

/** The positions of one epoch that are left, in ascending order. */
export interface Left {
  readonly length: number;
  /** The k-th of them, from 0. */
  at(k: number): number;
  /** From this k on nothing is missing between them: `at(k)` is k + shift. */
  readonly regularFrom: number;
  readonly shift: number;
}

/**
 * What is left of an epoch of `length` positions. Each layer's ranks were dealt, by turns, what the layers before it
 * left; a rank in a later epoch has done all its records of this one, a rank in an earlier one none.
 * Finding one costs O(log W) a layer, of W ranks.
 */
export function leftIn(layers: readonly Layer[], length: number, epoch: number): Left {
  let left: Left = { length, at: (k) => k, regularFrom: 0, shift: 0 };
  for (const layer of layers) left = composed(left, leftBy(layer, left.length, epoch));
  return left;
}

/** The layers that leave something out in `epoch` or in a later one. */
export function layersFrom(layers: readonly Layer[], epoch: number): readonly Layer[] {
  return layers.filter((layer) =>
    layer.some(([reached, records]) => reached > epoch || (reached === epoch && records > 0)),
  );
}

/**
 * Fewer layers that leave the same from `epoch` on. The first ones, where nothing is missing between the positions that
 * they and those after them leave, are as good as a world of one that has done so many records.
 * @param length positions of an epoch
 */
export function collapsed(layers: readonly Layer[], length: number, epoch: number): readonly Layer[] {
  const needed = layersFrom(layers, epoch);
  let first = 0;
  let done: Reached | undefined;
  for (const [i, layer] of needed.entries()) {
    const [reached] = layer[0] as Reached;
    const isInStep = layer.every(([other]) => other === reached) && (done === undefined || done[0] === reached);
    if (!isInStep) break;
    const before = done?.[1] ?? 0;
    const left = leftBy(layer, length - before, reached);
    const above = leftIn(needed.slice(i + 1), left.length, reached);
    if (above.length > 0 && above.at(0) < left.regularFrom) break;
    first = i + 1;
    done = [reached, before + left.shift];
  }
  const rest = needed.slice(first);
  return layersFrom(done === undefined ? rest : [[done], ...rest], epoch);
}

/** Of `below` positions, dealt to the layer's ranks: those that are left. */
function leftBy(layer: Layer, below: number, epoch: number): Left {
  const shards = layer.length;
  const done = layer.map(([reached, records], rank) => {
    if (reached < epoch) return 0;
    const share = shareOf(below, rank, shards);
    return reached > epoch ? share : Math.min(records, share);
  });
  let shift = 0;
  let lastDone = -1;
  for (const [rank, count] of done.entries()) {
    shift += count;
    if (count > 0) lastDone = Math.max(lastDone, rank + (count - 1) * shards);
  }
  const regularFrom = lastDone + 1 - shift;
  const stretches = stretchesOf(done);
  let [stretch] = stretches as [Stretch];
  let active: readonly number[] | undefined;
  return {
    length: below - shift,
    regularFrom,
    shift,
    at(k) {
      if (k >= regularFrom) return k + shift;
      const found = stretchAt(stretches, k);
      if (found !== stretch || active === undefined) {
        stretch = found;
        active = [...done.keys()].filter((rank) => (done[rank] as number) <= found.round);
      }
      const turns = k - stretch.start;
      const round = stretch.round + Math.floor(turns / active.length);
      return (active[turns % active.length] as number) + round * shards;
    },
  };
}

/** Rounds of dealing, from `round` on, in which the same ranks have records left. */
interface Stretch {
  readonly round: number;
  /** Positions left in the rounds before. */
  readonly start: number;
}

function stretchesOf(done: readonly number[]): readonly Stretch[] {
  const sorted = done.toSorted((a, b) => a - b);
  const stretches: Stretch[] = [];
  let start = 0;
  for (const [ranks, round] of sorted.entries()) {
    const last = stretches.at(-1);
    if (last?.round === round) continue;
    if (last !== undefined) start += ranks * (round - last.round);
    stretches.push({ round, start });
  }
  return stretches;
}

/** The last stretch that begins at or before the k-th position. */
function stretchAt(stretches: readonly Stretch[], k: number): Stretch {
  let [low, high] = [0, stretches.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((stretches[middle] as Stretch).start <= k) low = middle;
    else high = middle;
  }
  return stretches[low] as Stretch;
}

/** Positions that are left of those that are left `below`. */
function composed(below: Left, above: Left): Left {
  return {
    length: above.length,
    at: (k) => below.at(above.at(k)),
    regularFrom: Math.max(above.regularFrom, below.regularFrom - above.shift),
    shift: below.shift + above.shift,
  };
}
