import { listFiles } from '@huggingface/hub';
import { DataRefError } from '@dataref/core';
import { asked, type Hub } from './hub.js';

/** `owner/name`, or a name alone. */
export const REPOSITORY_NAME = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)?$/u;

export interface Repository {
  readonly type: 'dataset' | 'model';
  readonly name: string;
  /** A commit, or a branch's or tag's name. */
  readonly revision: string;
}

/** A file of a repository, and what its bytes must hash to. */
export interface RepositoryFile extends Repository {
  readonly path: string;
  readonly byteLength: number;
  /** SHA-256 of the bytes for files of LFS, else that of git's blob (SHA-1), in hexadecimal digits. */
  readonly hash: string;
}

/** A repository's files, in the order of their paths. @throws DataRefError as `asked`; CORRUPT for a listing without hashes */
export async function filesOf(
  hub: Hub,
  repository: Repository,
  options: { readonly recursive: boolean; readonly signal: AbortSignal | undefined },
): Promise<RepositoryFile[]> {
  const { type, name, revision } = repository;
  const { recursive, signal } = options;
  const what = `${type} ${JSON.stringify(name)}`;
  const files: RepositoryFile[] = [];
  await asked(hub, what, signal, async () => {
    const listing = listFiles({
      repo: { type, name },
      revision: encodeURIComponent(revision),
      recursive,
      hubUrl: hub.url,
      fetch: hub.fetchFor(signal),
    });
    for await (const entry of listing) {
      if (entry.type !== 'file') continue;
      const { path, size, oid, lfs } = entry;
      const hash = lfs?.oid ?? oid;
      if (hash === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u.test(hash) || !Number.isSafeInteger(size))
        throw new DataRefError('CORRUPT', `${hub.url}: lists ${path} of ${what} without a size and a hash`);
      files.push({ ...repository, path, byteLength: lfs?.size ?? size, hash });
    }
  });
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
