import { describe, expect, test } from '@jest/globals';
import { folderNames, listPages, type Page } from '../../dist/store/listing.js';
import { failure } from '../expect-error.js';
import { scale } from '../scale.js';

/** Each page says that there is another one, and has names that none before it had. */
function endlessPages(namesOnPage: number, end = '/'): AsyncGenerator<Page> {
  let page = 0;
  return listPages('s3://bucket/', async () => {
    const names = Array.from({ length: namesOnPage }, (_, i) => `${page}-${i}${end}`);
    return { names, nextToken: String(page++) };
  });
}

describe('a listing whose pages are new each time, without end, is refused', () => {
  test('by the number of its pages', async () => {
    let pages = 0;
    const listed = async (): Promise<void> => {
      for await (const { names } of endlessPages(1)) pages += names.length;
    };
    await expect(listed()).rejects.toEqual(
      failure(
        'CORRUPT',
        /^s3:\/\/bucket\/: the listing would never end: it goes on after 274 pages with 274 names in all/u,
      ),
    );
    expect(pages).toBe(274);
  });

  test('but not one of many pages that are full', async () => {
    const many = scale < 1 ? 300_000 : 3_000_000;
    let names = 0;
    for await (const page of endlessPages(1000)) {
      names += page.names.length;
      if (names === many) break;
    }
    expect(names).toBe(many);
  });

  test('by the number of its folders, which are held at once', async () => {
    await expect(folderNames('gs://bucket/', endlessPages(1000), ({ names }) => names)).rejects.toEqual(
      failure('CORRUPT', /^gs:\/\/bucket\/: the listing would never end: it goes on after 1048576 folders/u),
    );
    await expect(
      folderNames('gs://bucket/', endlessPages(1000, 'x'.repeat(1000)), ({ names }) => names),
    ).rejects.toEqual(failure('CORRUPT', /it goes on after 6\d{7} characters of names/u));
  });
});

test('folders that several pages name are given once', async () => {
  async function* pages() {
    yield ['a', 'b'];
    yield ['b', 'c'];
  }
  expect(await folderNames('s3://bucket/', pages(), (names) => names)).toEqual(['a', 'b', 'c']);
});

test('a listing with names or tokens that no store has is refused', async () => {
  const list = async (names: readonly string[], nextToken?: string): Promise<void> => {
    for await (const _ of listPages('gs://bucket/', async () => ({ names, nextToken })));
  };
  await list(['x'.repeat(1024)]);
  await expect(list(['a', 'x'.repeat(1025)])).rejects.toEqual(
    failure('CORRUPT', /^gs:\/\/bucket\/: .* a name of 1025/u),
  );
  await expect(list(['a'], 't'.repeat(8193))).rejects.toEqual(
    failure('CORRUPT', /^gs:\/\/bucket\/: .* a token of 8193/u),
  );
});

test('names and tokens stay as they are, a byte order mark at their beginning included', async () => {
  const tokens: (string | undefined)[] = [];
  const pages = listPages('s3://bucket/', async (token) => {
    tokens.push(token);
    return token === undefined
      ? { names: ['\ufeffa', 'a'], nextToken: '\ufefft' }
      : { names: ['b'], nextToken: undefined };
  });
  expect(await folderNames('s3://bucket/', pages, ({ names }) => names)).toEqual(['\ufeffa', 'a', 'b']);
  expect(tokens).toEqual([undefined, '\ufefft']);
});
