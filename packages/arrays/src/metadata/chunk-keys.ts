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

/** Where the next array under a name keeps its chunks: not where those of this one are. */
export function otherKeys({ name, separator }: ChunkKeys): ChunkKeys {
  return name === 'v2' ? DEFAULT_KEYS : chunkKeys('default', separator === '/' ? '.' : '/');
}

export const DEFAULT_KEYS = chunkKeys('default', '/');
