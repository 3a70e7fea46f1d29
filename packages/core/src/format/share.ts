import {
  checkContents,
  encodeContents,
  MANIFEST_LIMIT_BYTES,
  newerFormat,
  refusal,
  type Manifest,
} from './manifest.js';
import { count, unseal } from './sealed-json.js';

/** Above this many bytes a share's file is refused before it is read. */
export const SHARE_LIMIT_BYTES = MANIFEST_LIMIT_BYTES;

/** One of `of` shares of a dataset that several processes write: a manifest of its own parts. */
export interface Share extends Manifest {
  readonly part: number;
  readonly of: number;
}

export function encodeShare({ part, of, ...manifest }: Share): Uint8Array {
  return encodeContents({ format: 'dataref-share', formatVersion: 1, part, of }, manifest);
}

/**
 * The checked description of share `part` of `of`, held against its own numbers as a manifest is.
 * @throws DataRefError CORRUPT, UNSUPPORTED for a newer format
 */
export function decodeShare(
  bytes: Uint8Array,
  where: string,
  { id, version, part, of }: Pick<Share, 'id' | 'version' | 'part' | 'of'>,
): Share {
  const refuse = refusal(where, 'Submit the share again');
  const value = unseal(bytes, 'dataref-share', 'is no share of a dataset', refuse);
  if (value['formatVersion'] !== 1) throw newerFormat(where, value, '1');
  const found = { part: count(value['part'], 'part', refuse), of: count(value['of'], 'of', refuse) };
  if (found.part !== part || found.of !== of)
    return refuse(`is share ${found.part} of ${found.of}, expected ${part} of ${of}`);
  return { ...checkContents(value, id, version, false, refuse), part, of };
}
