import { DataRefError, shown } from '../errors.js';

/** One page of a listing. */
export interface Page {
  /** What is on it, as the server named it. */
  readonly names: readonly string[];
  /** Where the next page begins; undefined on the last one. */
  readonly nextToken: string | undefined;
}

/** Pages without anything on them that may follow each other. */
const MAX_EMPTY_PAGES = 100;
/** Pages of a listing with few names, and names on a page of one that goes on: stores put a thousand on each. */
const MAX_POOR_PAGES = 256;
const MIN_PAGE_NAMES = 16;
/** Of S3 and of Google Cloud Storage, in bytes of UTF-8. */
const MAX_NAME = 1024;
/** Tokens hold a name, and little more. */
const MAX_TOKEN = 8 * 1024;
/** Ids, versions of one id, or generations of one dataset, which are held at once. */
const MAX_FOLDERS = 2 ** 20;
const MAX_FOLDER_CHARACTERS = 2 ** 26;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export interface ListLimits {
  /** Characters of a name at most, where it has more than a key in it. */
  readonly maxName?: number | undefined;
}

/**
 * The pages of a listing, until the last.
 * @throws DataRefError CORRUPT where it would never end: a page comes again, none has anything on it, or far
 *   too many bring next to nothing; and for names and tokens that are longer than any
 */
export async function* listPages<P extends Page>(
  where: string,
  fetchPage: (token: string | undefined) => Promise<P>,
  { maxName = MAX_NAME }: ListLimits = {},
): AsyncGenerator<P> {
  const firstNames = new Set<string>();
  let emptyPages = 0;
  let pages = 0;
  let names = 0;
  for (let token: string | undefined; ;) {
    if (pages >= MAX_POOR_PAGES + names / MIN_PAGE_NAMES)
      throw endless(where, `it goes on after ${pages} pages with ${names} names in all`);
    pages++;
    const page = await fetchPage(token);
    refuseLong(where, page, maxName);
    names += page.names.length;
    const first = page.names[0] && copied(page.names[0]);
    emptyPages = first === undefined ? emptyPages + 1 : 0;
    if (first !== undefined && firstNames.has(first))
      throw endless(where, `the page that begins with ${shown(first)} came twice`);
    if (first !== undefined) firstNames.add(first);
    yield page;
    const { nextToken } = page;
    if (nextToken === undefined) return;
    if (nextToken === '') throw endless(where, 'the server says that there is more, but not where');
    if (nextToken === token) throw endless(where, 'the server leads back to a page that was read');
    if (emptyPages >= MAX_EMPTY_PAGES) throw endless(where, `${emptyPages} pages were empty, one after the other`);
    token = copied(nextToken);
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
  let characters = 0;
  for await (const page of pages) {
    for (const name of namesOf(page)) {
      if (folders.has(name)) continue;
      folders.add(copied(name));
      characters += name.length;
    }
    if (characters > MAX_FOLDER_CHARACTERS) throw endless(where, `it goes on after ${characters} characters of names`);
    if (folders.size > MAX_FOLDERS) throw endless(where, `it goes on after ${MAX_FOLDERS} folders`);
  }
  return [...folders];
}

function refuseLong(where: string, { names, nextToken }: Page, maxName: number): void {
  const long = names.find((name) => name.length > maxName);
  if (long !== undefined)
    throw untrue(where, `has a name of ${long.length} characters, ${shown(long, 60)}; none has more than ${maxName}`);
  if (nextToken !== undefined && nextToken.length > MAX_TOKEN)
    throw untrue(
      where,
      `has a token of ${nextToken.length} characters for the next page; none has more than ${MAX_TOKEN}`,
    );
}

/** What is kept must not keep the whole answer, which it may be a piece of. */
function copied(text: string): string {
  return decoder.decode(encoder.encode(text));
}

function untrue(where: string, problem: string): DataRefError {
  return new DataRefError('CORRUPT', `${where}: the listing ${problem}. Is there such a store at this endpoint?`, {
    details: { where },
  });
}

function endless(where: string, problem: string): DataRefError {
  return new DataRefError('CORRUPT', `${where}: the listing would never end: ${problem}`, { details: { where } });
}
