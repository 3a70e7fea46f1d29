import type { Segment, Version } from './types.js';

/** Of versions, what the catalog itself has written: datasets by `id@version`, and keys of blobs. */
export interface References {
  readonly segments: ReadonlyMap<string, Pick<Segment, 'id' | 'version'>>;
  readonly blobs: ReadonlySet<string>;
}

export function referencesOf(versions: Iterable<Version>): References {
  const segments = new Map<string, Segment>();
  const blobs = new Set<string>();
  for (const version of versions) {
    if (version.kind === 'blob') blobs.add(version.key);
    else
      for (const segment of version.segments)
        if (!segment.isLinked) segments.set(`${segment.id}@${segment.version}`, segment);
  }
  return { segments, blobs };
}
