import type { Segment, Version } from './types.js';

/** Of versions, what the catalog itself has written: datasets by `id@version`, and keys of blobs. */
export interface References {
  readonly segments: ReadonlyMap<string, Pick<Segment, 'id' | 'version'>>;
  readonly blobs: ReadonlySet<string>;
}

export function referencesOf(versions: Iterable<Version>): References {
  const distinct = new Set<Segment>(); // versions of one history have the same objects
  const blobs = new Set<string>();
  for (const version of versions) {
    if (version.kind === 'blob') blobs.add(version.key);
    else for (const segment of version.segments) distinct.add(segment);
  }
  const own = [...distinct].filter(({ isLinked }) => !isLinked);
  return { segments: new Map(own.map((segment) => [`${segment.id}@${segment.version}`, segment])), blobs };
}
