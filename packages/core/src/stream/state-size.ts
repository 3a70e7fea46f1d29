import { sha256Text } from '../checksum/fingerprint.js';
import { MAX_SEED } from '../order/checks.js';
import type { SourceState, StateNode, StreamState } from './state.js';

/** Bytes of a state in UTF-8, at most: for itself, for each dataset, for each transform after the sixth, for each rank that `shardFirst` remembers. */
const BYTES = { state: 512, source: 300, transform: 80, rank: 40 };
const FREE_TRANSFORMS = 6;
/** What each takes without its names and counts. */
const KEYS = {
  state: byteLengthOf({ format: 'dataref-state', version: 1, epoch: MAX_SEED, node: '' }),
  source: byteLengthOf({ kind: 'source', dataset: '', order: '', numShards: '', dropShardRemainder: true, shardFirst: '', epoch: MAX_SEED, position: '' }), // prettier-ignore
  step: byteLengthOf({ kind: 'step', name: '', count: '', input: '' }),
  join: byteLengthOf({ kind: 'join', name: '', epoch: MAX_SEED, counts: [], ended: [], inputs: [] }),
};
/** Names of transforms that have no text of the user's in them are shorter. */
const LONGEST_NAME = 40;
const BRIEF_FINGERPRINT = /^sha256:[0-9a-f]{20}…$/u;

type Change = { readonly source?: (source: SourceState) => SourceState; readonly name?: (name: string) => string };

/** What a state can go without, first things first: what names the dataset to people, then what can be told by its hash. */
const CHANGES: readonly Change[] = [
  ...[40, 20, 8, 3].map((most): Change => ({ source: (source) => withNames(source, most) })),
  { name: briefName },
  { source: (source) => withDataset(source, { fingerprint: briefFingerprint(source.dataset.fingerprint) }) },
];

/** The state, with what is too long for its bound cut short. */
export function fitted(state: StreamState): StreamState {
  const { bound, most } = sizesOf(state.node);
  let fit = state;
  if (most <= bound) return fit;
  for (const change of CHANGES) {
    if (byteLengthOf(fit) <= bound) break;
    fit = { ...fit, node: changed(fit.node, change) };
  }
  return fit;
}

/** Whether two states, or a state and a stream, speak of one fingerprint, which a state may hold cut short. */
export function sameFingerprint(a: string, b: string): boolean {
  if (a === b) return true;
  return [a, b].some((one) => BRIEF_FINGERPRINT.test(one)) && briefFingerprint(a) === briefFingerprint(b);
}

/** The same of names of transforms. */
export function sameName(a: string, b: string): boolean {
  return a === b || briefName(a) === briefName(b);
}

/** The kind of transform, and a hash in place of what the user gave it: an id, weights. */
export function briefName(name: string): string {
  if (byteLengthOf(name) <= LONGEST_NAME) return name;
  const kind = /^[A-Za-z]*[:(]?/u.exec(name)?.[0] ?? '';
  return `${kind}${hashOf(name).slice(0, 12)}…${kind.endsWith('(') ? ')' : ''}`;
}

function briefFingerprint(fingerprint: string): string {
  if (BRIEF_FINGERPRINT.test(fingerprint)) return fingerprint;
  const hash = /^sha256:[0-9a-f]{64}$/u.test(fingerprint) ? fingerprint.slice(7) : hashOf(fingerprint);
  return `sha256:${hash.slice(0, 20)}…`;
}

function hashOf(text: string): string {
  return sha256Text(text).replace('sha256:', '');
}

/** What a state may take, and what it takes at most: counted, not written out, since every batch has one. */
function sizesOf(root: StateNode): { readonly bound: number; readonly most: number } {
  let [bound, most, transforms] = [BYTES.state, KEYS.state, 0];
  const walk = (node: StateNode): void => {
    if (node.kind === 'source') {
      const ranks = node.shardFirst?.layers.reduce((sum, layer) => sum + layer.length, 0) ?? 0;
      bound += BYTES.source + BYTES.rank * ranks;
      most +=
        KEYS.source + sharedBytes(node.dataset) + sharedBytes(node.order) + digitsIn([node.numShards, node.position]);
      if (node.shardFirst !== undefined) most += byteLengthOf(node.shardFirst);
      return;
    }
    transforms++;
    most += KEYS[node.kind] + mostBytesOf(node.name);
    if (node.kind === 'step') {
      most += digitsIn([node.count]);
      walk(node.input);
    } else {
      most += digitsIn(node.counts) + digitsIn(node.ended);
      node.inputs.forEach(walk);
    }
  };
  walk(root);
  return { bound: bound + BYTES.transform * Math.max(0, transforms - FREE_TRANSFORMS), most };
}

const shared = new WeakMap<object, number>();
/** Of what all states of a stream have in common, and is frozen, counted once. */
function sharedBytes(value: object): number {
  const known = shared.get(value);
  if (known !== undefined) return known;
  const bytes = byteLengthOf(value);
  if (Object.isFrozen(value)) shared.set(value, bytes);
  return bytes;
}

/** Of integers with commas between them. */
function digitsIn(numbers: readonly number[]): number {
  let digits = 0;
  for (let rest of numbers) {
    for (digits += 2; rest >= 10; rest /= 10) digits++;
  }
  return digits;
}

/** Bytes of a text in JSON, or somewhat more. */
function mostBytesOf(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes += code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c ? 1 : 6;
  }
  return bytes;
}

function changed(node: StateNode, change: Change): StateNode {
  const { source, name } = change;
  if (node.kind === 'source') return source?.(node) ?? node;
  const named = name === undefined ? node : { ...node, name: name(node.name) };
  if (named.kind === 'step') return { ...named, input: changed(named.input, change) };
  return { ...named, inputs: named.inputs.map((input) => changed(input, change)) };
}

function withNames(source: SourceState, most: number): SourceState {
  const { id, version } = source.dataset;
  return withDataset(source, { id: cut(id, most), version: cut(version, most) });
}

function withDataset(source: SourceState, changes: Partial<SourceState['dataset']>): SourceState {
  return { ...source, dataset: { ...source.dataset, ...changes } };
}

/** A text of at most so many bytes in JSON, with an ellipsis where it was longer. */
function cut(text: string, most: number): string {
  if (byteLengthOf(text) <= most) return text;
  let [kept, bytes] = ['', byteLengthOf('…')];
  for (const character of text) {
    bytes += byteLengthOf(character);
    if (bytes > most) break;
    kept += character;
  }
  return kept.endsWith('…') ? kept : `${kept}…`;
}

/** In JSON; of a text without its quotes. */
function byteLengthOf(value: unknown): number {
  const { byteLength } = new TextEncoder().encode(JSON.stringify(value));
  return typeof value === 'string' ? byteLength - 2 : byteLength;
}
