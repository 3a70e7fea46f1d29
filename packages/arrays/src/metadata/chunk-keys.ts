/** How places of chunks become keys below an array's folder. */
export interface ChunkKeys {
  readonly name: 'default' | 'v2';
  readonly separator: '/' | '.';
  keyOf(place: readonly number[]): string;
  /** Place of the chunk that a key stands for; undefined for any other key. */
  placeOf(key: string): number[] | undefined;
}

/** @see https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#chunk-key-encoding */
export function chunkKeys(name: ChunkKeys['name'], separator: ChunkKeys['separator']): ChunkKeys {
  const prefix = name === 'default' ? `c${separator}` : '';
  const lone = name === 'default' ? 'c' : '0';
  return {
    name,
    separator,
    keyOf: (place) => (place.length === 0 ? lone : `${prefix}${place.join(separator)}`),
    placeOf(key) {
      if (key === lone && name === 'default') return [];
      const parts = key.startsWith(prefix) ? key.slice(prefix.length).split(separator) : [''];
      return parts.every((part) => /^(?:0|[1-9]\d{0,15})$/u.test(part)) ? parts.map(Number) : undefined;
    },
  };
}

/** Of a name that is new. */
export const DEFAULT_KEYS = chunkKeys('default', '/');

/** All that arrays of ours have, one replaced after another: no key of one is a key of the next, where there are axes. */
export const CYCLE = [DEFAULT_KEYS, chunkKeys('default', '.'), chunkKeys('v2', '.')] as const;

/** Where the array after this one keeps its chunks: not where those of this one are. @param rank of the next one */
export function nextKeys({ name, separator }: ChunkKeys, rank: number): ChunkKeys {
  if (name === 'v2') return DEFAULT_KEYS;
  return separator === '/' && rank > 0 ? CYCLE[1] : CYCLE[2]; // the keys of both others are `c` without axes
}

export function isSameKeys(a: ChunkKeys, b: ChunkKeys): boolean {
  return a.name === b.name && a.separator === b.separator;
}
