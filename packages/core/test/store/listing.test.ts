import { describe, expect, test } from '@jest/globals';
import { folderNames, listPages, type Page } from '../../dist/store/listing.js';
import { failure } from '../expect-error.js';

/** Each page says that there is another one, and has names that none before it had. */
function endlessPages(namesOnPage: number): AsyncGenerator<Page> {
  let page = 0;
  return listPages('s3://bucket/', async () => {
    const names = Array.from({ length: namesOnPage }, (_, i) => `${page}-${i}/`);
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
      failure('CORRUPT', /^s3:\/\/bucket\/: the listing would never end: it goes on after 65536 pages/u),
    );
    expect(pages).toBe(65_536);
  });

  test('by the number of its folders, which are held at once', async () => {
    await expect(folderNames('gs://bucket/', endlessPages(1000), ({ names }) => names)).rejects.toEqual(
      failure('CORRUPT', /^gs:\/\/bucket\/: the listing would never end: it goes on after 1048576 folders/u),
    );
  });
});

test('folders that several pages name are given once', async () => {
  async function* pages() {
    yield ['a', 'b'];
    yield ['b', 'c'];
  }
  expect(await folderNames('s3://bucket/', pages(), (names) => names)).toEqual(['a', 'b', 'c']);
});
