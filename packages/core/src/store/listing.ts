import { DataRefError } from '../errors.js';

/** One page of a listing. */
export interface Page {
  /** What is on it, as the server named it. */
  readonly names: readonly string[];
  /** Where the next page begins; undefined on the last one. */
  readonly nextToken: string | undefined;
}

/** Pages without anything on them that may follow each other. */
const MAX_EMPTY_PAGES = 100;
/** Of any size: a bucket of 65 million objects has no more. */
const MAX_PAGES = 2 ** 16;
/** Ids, versions of one id, or generations of one dataset, which are held at once. */
const MAX_FOLDERS = 2 ** 20;

/**
 * The pages of a listing, until the last.
 * @throws DataRefError CORRUPT where it would never end: a page comes again, none has anything on it, or there are too many
 */
export async function* listPages<P extends Page>(
  where: string,
  fetchPage: (token: string | undefined) => Promise<P>,
): AsyncGenerator<P> {
  const tokens = new Set<string>();
  const firstNames = new Set<string>();
  let emptyPages = 0;
  let pages = 0;
  for (let token: string | undefined; ;) {
    if (++pages > MAX_PAGES) throw endless(where, `it goes on after ${MAX_PAGES} pages`);
    const page = await fetchPage(token);
    const [first] = page.names;
    emptyPages = first === undefined ? emptyPages + 1 : 0;
    if (first !== undefined && firstNames.has(first))
      throw endless(where, `the page that begins with ${first} came twice`);
    if (first !== undefined) firstNames.add(first);
    yield page;
    token = page.nextToken;
    if (token === undefined) return;
    if (token === '') throw endless(where, 'the server says that there is more, but not where');
    if (tokens.has(token)) throw endless(where, 'the server leads back to a page that was read');
    if (emptyPages >= MAX_EMPTY_PAGES) throw endless(where, `${emptyPages} pages were empty, one after the other`);
    tokens.add(token);
  }
}

/**
 * The names of folders that pages have, each once.
 * @throws DataRefError CORRUPT where there are more than any storage has
 */
export async function folderNames<P>(
  where: string,
  pages: AsyncIterable<P>,
  namesOf: (page: P) => Iterable<string>,
): Promise<string[]> {
  const folders = new Set<string>();
  for await (const page of pages) {
    for (const name of namesOf(page)) folders.add(name);
    if (folders.size > MAX_FOLDERS) throw endless(where, `it goes on after ${MAX_FOLDERS} folders`);
  }
  return [...folders];
}

function endless(where: string, problem: string): DataRefError {
  return new DataRefError('CORRUPT', `${where}: the listing would never end: ${problem}`, { details: { where } });
}
