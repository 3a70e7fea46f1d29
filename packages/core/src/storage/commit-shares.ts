import { DataRefError } from '../errors.js';
import { MAX_PARTS, type Manifest } from '../format/manifest.js';
import { generationsOf, partFiles } from '../format/part-files.js';
import type { Share } from '../format/share.js';
import { describeSchema, sameSchema } from '../schema/schema.js';
import { eachAtOnce, inOrder, REQUESTS_AT_ONCE } from './at-once.js';
import { commitManifest } from './commit.js';
import { whileCommitting } from './commit-claim.js';
import { fingerprintOfHeads } from './heads-fingerprint.js';
import { generationFiles } from './generation-files.js';
import { dataFolder, generationFolder, type Manifests } from './manifests.js';
import { otherNumber, Shares, type FoundShare } from './shares.js';
import type { StorageParts } from './storage-parts.js';

/** Which share of which dataset. */
export interface SharePlace {
  readonly id: string;
  readonly version: string;
  readonly part: number;
  readonly of: number;
}

/**
 * Makes one dataset of its shares, where they are all there, and nobody else does so already.
 * @returns the manifest, whoever committed it; undefined where a share is missing
 * @throws DataRefError SCHEMA_MISMATCH, CORRUPT naming the share; INVALID_ARGUMENT where there are shares of two numbers
 */
export async function commitShares(
  parts: StorageParts,
  manifests: Manifests,
  { id, version, of }: Omit<SharePlace, 'part'>,
  signal: AbortSignal | undefined,
): Promise<Manifest | undefined> {
  const { store } = parts;
  const shares = new Shares(store, id, version);
  return whileCommitting(store, parts, shares.commitKey, signal, async (commit) => {
    const already = await manifests.read(id, version, { signal });
    if (already !== undefined) return already;
    const found = await shares.list({ signal });
    const other = found.find((share) => share.of !== of);
    if (other !== undefined) throw otherNumber({ id, version, of }, other);
    if (found.length < of) return undefined;
    const manifest = await joined(parts, shares, found, signal);
    if (manifest === undefined) return undefined;
    signal?.throwIfAborted();
    if (!(await commitManifest(store, manifest, commit, { ifAbsent: true, signal })))
      return manifests.require(id, version, { signal });
    // Committed: what is left over now is found by vacuum.
    await eachAtOnce(
      found,
      REQUESTS_AT_ONCE,
      async ({ file }) => void (await store.delete(file.key, { signal })),
    ).catch(() => undefined);
    return manifest;
  });
}

/** Removes a share that came too late, and what was written for it. */
export async function withdrawShare(
  parts: StorageParts,
  manifests: Manifests,
  { id, version, part, of }: SharePlace,
  generation: string,
): Promise<void> {
  const { store } = parts;
  const shares = new Shares(store, id, version);
  await whileCommitting(store, parts, shares.commitKey, undefined, async () => {
    const current = await manifests.current(id, version);
    if (current === 'unreadable' || (current !== 'none' && generationsOf(current).has(generation))) return;
    const share = await shares.read({ part, of }, {});
    if (share?.generation === generation) await store.delete(shares.key(part, of));
    const files = await generationFiles(store, generationFolder(id, version, generation));
    await eachAtOnce(files, REQUESTS_AT_ONCE, async ({ key }) => void (await store.delete(key)));
  });
}

/** The manifest of all shares; undefined where one has gone meanwhile. */
async function joined(
  { store, nonce }: StorageParts,
  shares: Shares,
  found: readonly FoundShare[],
  signal: AbortSignal | undefined,
): Promise<Manifest | undefined> {
  const all: Share[] = [];
  for await (const share of inOrder(found, REQUESTS_AT_ONCE, (each) => shares.read(each, { signal }))) {
    if (share === undefined) return undefined;
    all.push(share);
  }
  const [first] = all as [Share];
  const { id, version, schema } = first;
  for (const share of all) if (!sameSchema(share.schema, schema)) throw otherSchema(share, first);
  const parts = all.flatMap((share) => share.parts.map((part) => ({ ...part, generation: share.generation })));
  if (parts.length > MAX_PARTS) {
    throw new DataRefError('OUT_OF_RANGE', `${id}@${version} would have ${parts.length} parts, at most ${MAX_PARTS}`);
  }
  await eachAtOnce(
    all,
    REQUESTS_AT_ONCE,
    async (share) => {
      const folder = generationFolder(id, version, share.generation);
      const sizes = new Map((await generationFiles(store, folder, signal)).map((file) => [file.key, file.byteLength]));
      for (const { path, byteLength } of partFiles(share)) {
        const key = `${dataFolder(id, version)}${path}`;
        if (sizes.get(key) !== byteLength) throw incomplete(share, key);
      }
    },
    signal,
  );
  const sum = (of: (share: Share) => number): number => all.reduce((total, share) => total + of(share), 0);
  const manifest: Manifest = {
    id,
    version,
    createdAt: new Date().toISOString(),
    schema,
    length: sum(({ length }) => length),
    byteLength: sum(({ byteLength }) => byteLength),
    fingerprint: '',
    generation: nonce(),
    parts,
  };
  return { ...manifest, fingerprint: await fingerprintOfHeads(store, dataFolder(id, version), manifest, signal) };
}

function incomplete({ id, version, part, of }: Share, key: string): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `share ${part} of ${of} of ${id}@${version}: ${key} is missing or has another size; submit the share again`,
    { details: { part, of, key } },
  );
}

/** The refusal of shares that do not fit together. */
export function otherSchema(share: Pick<Share, keyof SharePlace | 'schema'>, other: Share): DataRefError {
  const { id, version, part, of, schema } = share;
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `share ${part} of ${of} of ${id}@${version} has ${describeSchema(schema)}, share ${other.part} has ${describeSchema(other.schema)}; submit share ${part} again with that schema; or, if share ${other.part} is the wrong one, delete(id, version) and submit all shares anew`,
    { details: { part, of } },
  );
}
