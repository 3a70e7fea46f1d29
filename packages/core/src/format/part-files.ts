import { leavesOf } from '../schema/schema.js';
import { hasHeadFile } from './layout.js';
import type { Manifest } from './manifest.js';
import { partName } from './part-name.js';

/** A file of a stored dataset. */
export interface PartFile {
  /** The part that it is of. */
  readonly part: number;
  readonly kind: 'arrow' | 'head';
  /** Below `data/`. */
  readonly path: string;
  readonly byteLength: number;
  readonly crc32: number;
}

/** Every file of a dataset but its manifest, part by part. */
export function partFiles(manifest: Manifest): PartFile[] {
  const pathOf = partPaths(manifest);
  const hasHeads = hasHeadFile(leavesOf(manifest.schema));
  return manifest.parts.flatMap((info, part): PartFile[] => {
    const path = pathOf(part);
    const { byteLength, crc32, headBytes, headCrc32 } = info;
    const arrow: PartFile = { part, kind: 'arrow', path: `${path}.arrow`, byteLength, crc32 };
    if (!hasHeads) return [arrow];
    return [arrow, { part, kind: 'head', path: `${path}.head`, byteLength: headBytes, crc32: headCrc32 }];
  });
}

/** Where a part's files lie below `data/`, without their ending: a part has its number among those of its generation. */
export function partPaths({ generation, parts }: Manifest): (part: number) => string {
  if (parts.every((part) => part.generation === undefined)) return (part) => `${generation}/${partName(part)}`;
  const counts = new Map<string, number>();
  const numbers = parts.map((part) => {
    const of = part.generation ?? generation;
    const number = counts.get(of) ?? 0;
    counts.set(of, number + 1);
    return number;
  });
  return (part) => `${parts[part]?.generation ?? generation}/${partName(numbers[part] as number)}`;
}

/** Every generation that a dataset's files lie in. */
export function generationsOf({ generation, parts }: Manifest): Set<string> {
  return new Set([generation, ...parts.map((part) => part.generation ?? generation)]);
}
