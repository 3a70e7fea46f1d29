import { untrusted } from './answer-errors.js';
import { type GcsRequests, jsonOf, refusedFor } from './gcs-requests.js';
import { folderNames, listPages, type Page } from './listing.js';
import type { IoOptions } from './object-store.js';

const PAGE_ENTRIES = 1000;
const WHAT = 'listing';

/** An object as its metadata tell of it. */
export interface Listed {
  readonly name: string;
  readonly byteLength: number;
  readonly modifiedMs: number;
}

/** Every object whose name begins with `prefix`. @throws DataRefError CORRUPT where the list never ends */
export async function* listObjects(requests: GcsRequests, prefix: string, options: IoOptions): AsyncGenerator<Listed> {
  const query = { prefix, fields: 'items(name,size,updated),nextPageToken' };
  for await (const { objects } of pages(requests, query, options)) yield* objects;
}

/** Names up to the next `/` after the prefix, without both. @throws DataRefError CORRUPT where the list never ends */
export async function listNextSegments(requests: GcsRequests, prefix: string, options: IoOptions): Promise<string[]> {
  const query = { prefix, delimiter: '/', fields: 'prefixes,nextPageToken' };
  return folderNames(requests.address(prefix), pages(requests, query, options), ({ names }) =>
    names.filter((name) => name.startsWith(prefix) && name.endsWith('/')).map((name) => name.slice(prefix.length, -1)),
  );
}

/** What an object's metadata say; undefined where they say it not. */
export function infoOf(metadata: unknown): Listed | undefined {
  const { name, size, updated } = Object(metadata) as Record<string, unknown>;
  const modifiedMs = Date.parse(String(updated));
  if (typeof name !== 'string' || !/^\d{1,15}$/u.test(String(size)) || Number.isNaN(modifiedMs)) return undefined;
  return { name, byteLength: Number(size), modifiedMs };
}

interface ObjectPage extends Page {
  readonly objects: readonly Listed[];
}

function pages(
  requests: GcsRequests,
  query: Readonly<Record<string, string>> & { readonly prefix: string },
  options: IoOptions,
): AsyncGenerator<ObjectPage> {
  const where = requests.address(query.prefix);
  return listPages(where, async (token) => {
    const parameters = { ...query, maxResults: String(PAGE_ENTRIES), ...(token !== undefined && { pageToken: token }) };
    const path = `${requests.path()}?${new URLSearchParams(parameters).toString()}`;
    const request = { method: 'GET', path } as const;
    return requests.ask(where, WHAT, options, request, async (answer, watch) => {
      if (answer.status !== 200) throw await refusedFor(where, WHAT, answer, watch);
      const { items = [], prefixes = [], nextPageToken } = await jsonOf(where, answer, watch);
      if (!Array.isArray(items) || !Array.isArray(prefixes))
        throw untrusted(where, WHAT, answer, 'the server sent no list');
      const objects = items.map(infoOf).filter((info) => info !== undefined);
      if (objects.length < items.length)
        throw untrusted(where, WHAT, answer, 'the server listed an object without its name, size or time');
      const names = [...objects.map(({ name }) => name), ...prefixes.map(String)];
      return { objects, names, nextToken: typeof nextPageToken === 'string' ? nextPageToken : undefined };
    });
  });
}
