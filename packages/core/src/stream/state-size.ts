import { sha256Text } from '../checksum/fingerprint.js';
import type { SourceState, StateNode, StreamState } from './state.js';

/** Bytes of a state in UTF-8, at most: for itself, for each dataset, for each transform after the sixth, for each rank that `shardFirst` remembers. */
const BYTES = { state: 512, source: 300, transform: 80, rank: 40 };
const FREE_TRANSFORMS = 6;
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
  const most = boundOf(state.node);
  let fit = state;
  for (const change of CHANGES) {
    if (byteLengthOf(fit) <= most) break;
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

function boundOf(root: StateNode): number {
  let [bytes, transforms] = [BYTES.state, 0];
  const walk = (node: StateNode): void => {
    if (node.kind === 'source') {
      const ranks = node.shardFirst?.layers.reduce((sum, layer) => sum + layer.length, 0) ?? 0;
      bytes += BYTES.source + BYTES.rank * ranks;
      return;
    }
    transforms++;
    if (node.kind === 'step') walk(node.input);
    else node.inputs.forEach(walk);
  };
  walk(root);
  return bytes + BYTES.transform * Math.max(0, transforms - FREE_TRANSFORMS);
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
