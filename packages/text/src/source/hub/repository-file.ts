import { listFiles } from '@huggingface/hub';
import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
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

/** Pages that a listing may have: those of a hub have a thousand files each. */
const PAGE_LIMIT = 2000;

/** A repository's files, in the order of their paths. @throws DataRefError as `asked`; CORRUPT for a listing that is not whole, or does not end */
export async function filesOf(
  hub: Hub,
  repository: Repository,
  options: { readonly recursive: boolean; readonly signal: AbortSignal | undefined },
): Promise<RepositoryFile[]> {
  const { type, name, revision } = repository;
  const { recursive, signal } = options;
  const what = `${type} ${JSON.stringify(name)}`;
  const damaged = (problem: string) => new DataRefError('CORRUPT', `${hub.url}: its listing of ${what} ${problem}`);
  const fetchPage = hub.fetchFor(signal);
  let pages = 0;
  const files: RepositoryFile[] = [];
  await asked(hub, what, signal, async () => {
    const listing = listFiles({
      repo: { type, name },
      revision: encodeURIComponent(revision),
      recursive,
      hubUrl: hub.url,
      fetch: (...request) => {
        if (++pages > PAGE_LIMIT) throw damaged(`has more than ${PAGE_LIMIT} pages`);
        return fetchPage(...request);
      },
    });
    for await (const entry of listing) {
      if (entry.type !== 'file') continue;
      const { path, size, oid, lfs } = entry;
      const [byteLength, hash] = [lfs?.size ?? size, lfs?.oid ?? oid];
      if (!isPath(path)) throw damaged(`has a file at ${describeValue(path)}, which is no path`);
      if (!HASH.test(String(hash)) || !Number.isSafeInteger(byteLength) || byteLength < 0)
        throw damaged(`has ${path} without a size and a hash`);
      files.push({ ...repository, path, byteLength, hash: String(hash) });
    }
  });
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

const HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u;

/** Steps down from the repository, none of which leads out of it. */
function isPath(path: unknown): path is string {
  return typeof path === 'string' && path.split('/').every((step) => !/^\.{0,2}$|[\0-\x1f\x7f]/u.test(step));
}
