import { afterEach, describe, expect, test } from '@jest/globals';
import { type RangeAnswer, type RangeRequest, rangedReader } from '../../dist/store/ranged-reader.js';
import { readWhole } from '../../dist/store/whole-object.js';
import { failure } from '../expect-error.js';

const SIZE = 1000;
const IDLE_MS = 40;
const OBJECT = Uint8Array.from({ length: SIZE }, (_, i) => (i * 7) & 255);
const FOREVER = new Promise<never>(() => undefined);

/** A body in chunks, with what it told its reader and what became of it. */
class FakeBody {
  canceled = 0;
  given = 0;
  readonly chunks: AsyncIterable<Uint8Array>;

  constructor(chunks: () => AsyncIterable<Uint8Array>) {
    const count = (bytes: number): void => void (this.given += bytes);
    this.chunks = (async function* () {
      for await (const chunk of chunks()) {
        count(chunk.length);
        yield chunk;
      }
    })();
  }

  cancel(): void {
    this.canceled++;
  }
}

async function* inChunks(bytes: Uint8Array, size = 64): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** A right answer, but for what is given. */
function answer({ start, end }: RangeRequest, but: Partial<RangeAnswer> = {}): RangeAnswer {
  const body = new FakeBody(() => inChunks(OBJECT.subarray(start, end)));
  return { status: 206, contentRange: `bytes ${start}-${end - 1}/${SIZE}`, version: 'v1', body, ...but };
}

function readerOf(fetchRange: (request: RangeRequest) => RangeAnswer | Promise<RangeAnswer>, version?: string) {
  const requests: RangeRequest[] = [];
  const reader = rangedReader({
    key: 'a/k',
    byteLength: SIZE,
    version,
    idleTimeoutMs: IDLE_MS,
    fetchRange: async (request) => {
      requests.push(request);
      return fetchRange(request);
    },
  });
  return { reader, requests };
}

/** What a read rejects with, and what it had written by then and a while later. */
async function failedRead(fetchRange: (request: RangeRequest) => RangeAnswer | Promise<RangeAnswer>, length = 100) {
  const { reader } = readerOf(fetchRange);
  const into = new Uint8Array(length).fill(9);
  const error: unknown = await reader.read(into, 10).catch((reason: unknown) => reason);
  const then = into.slice();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(into).toEqual(then);
  return { error, into };
}

function detailsOf(error: unknown): Record<string, unknown> {
  return (error as { details: Record<string, unknown> }).details;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => void (resolve = settle));
  return { promise, resolve };
}

describe('a reader over ranges', () => {
  test('gives the bytes of any range, asks for no more, and for nothing where nothing is asked for', async () => {
    const { reader, requests } = readerOf((request) => answer(request));
    for (const [start, end] of [
      [0, 1000],
      [999, 1000],
      [17, 700],
      [5, 5],
      [1000, 1000],
    ] as const) {
      const into = new Uint8Array(end - start);
      await reader.read(into, start);
      expect(into).toEqual(OBJECT.slice(start, end));
    }
    expect(requests.map(({ start, end }) => [start, end])).toEqual([
      [0, 1000],
      [999, 1000],
      [17, 700],
    ]);
    expect(requests.map(({ version }) => version)).toEqual([undefined, 'v1', 'v1']);
  });

  test('fills many ranges, and asks for nothing past the end', async () => {
    const { reader, requests } = readerOf((request) => answer(request));
    const ranges = Array.from({ length: 50 }, (_, i) => ({ position: 20 * i, into: new Uint8Array(13) }));
    await reader.readRanges(ranges);
    for (const { position, into } of ranges) expect(into).toEqual(OBJECT.slice(position, position + 13));
    requests.length = 0;
    await expect(reader.read(new Uint8Array(2), 999)).rejects.toEqual(failure('CORRUPT', /^a\/k: ends at byte 1000/));
    expect(requests).toEqual([]);
  });

  test.each<[string, Partial<RangeAnswer>, RegExp]>([
    ['ignores the range', { status: 200, contentRange: undefined }, /status 200 in place of 206/],
    ['names no range', { contentRange: undefined }, /sent no range/],
    ['names a range that is none', { contentRange: 'bytes 1-2/3 or so' }, /sent no range/],
    ['names no size', { contentRange: 'bytes 10-109/*' }, /sent no range/],
    ['gives another start', { contentRange: 'bytes 11-109/1000' }, /sent bytes 11-109/],
    ['gives another end', { contentRange: 'bytes 10-110/1000' }, /sent bytes 10-110/],
    ['gives the end less one', { contentRange: 'bytes 10-108/1000' }, /sent bytes 10-108/],
    ['has an object of another size', { contentRange: 'bytes 10-109/999' }, /has 999 bytes, expected 1000/],
  ])('refuses a server that %s, and takes nothing of what it sends', async (_, but, message) => {
    const body = new FakeBody(() => inChunks(new Uint8Array(10_000)));
    const { error, into } = await failedRead((request) => answer(request, { ...but, body }));
    expect(error).toEqual(failure('CORRUPT', message));
    expect(detailsOf(error)).not.toHaveProperty('isTransient');
    expect([body.given, body.canceled]).toEqual([0, 1]);
    expect(into).toEqual(new Uint8Array(100).fill(9));
  });

  test('stops a body that is longer than its range at once', async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(64);
    };
    const body = new FakeBody(endless);
    const { error } = await failedRead((request) => answer(request, { body }));
    expect(error).toEqual(failure('CORRUPT', /more bytes/));
    expect([body.given, body.canceled]).toEqual([128, 1]);
  });

  test('stays on the version of the first answer', async () => {
    let version = 'v1';
    const { reader, requests } = readerOf((request) => answer(request, { version }));
    const into = new Uint8Array(10);
    await reader.read(into, 0);
    version = 'v2';
    const body = new FakeBody(() => inChunks(OBJECT));
    const { reader: pinned } = readerOf((request) => answer(request, { version, body }), 'v1');
    await expect(reader.read(into, 0)).rejects.toEqual(failure('GENERATION_GONE', /^a\/k: .*open it again/));
    await expect(pinned.read(into, 0)).rejects.toEqual(failure('GENERATION_GONE', /^a\/k: /));
    expect([body.given, body.canceled]).toEqual([0, 1]);
    version = 'v1';
    await reader.read(into, 0);
    expect(requests.map((request) => request.version)).toEqual([undefined, 'v1', 'v1']);
  });

  test('of first reads at once that meet two versions, those of one of them fail', async () => {
    let count = 0;
    const { reader } = readerOf((request) => answer(request, { version: `v${count++ % 2}` }));
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => reader.read(new Uint8Array(10), 10 * i)),
    );
    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 'fulfilled' : 'rejected')),
    );
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toEqual(failure('GENERATION_GONE', /^a\/k: /));
  });

  test('an answer that is refused pins nothing', async () => {
    let isFirst = true;
    const { reader } = readerOf((request) => {
      const but = isFirst ? { version: 'v0', contentRange: 'bytes 0-9/77' } : {};
      isFirst = false;
      return answer(request, but);
    });
    await expect(reader.read(new Uint8Array(10), 0)).rejects.toEqual(failure('CORRUPT', /has 77 bytes/));
    await reader.read(new Uint8Array(10), 0);
  });

  test.each<[string, (bytes: Uint8Array) => AsyncIterable<Uint8Array>, string, RegExp]>([
    ['ends early', (bytes) => inChunks(bytes.subarray(0, 64), 32), 'STORE_FAILED', /ended after 64 of 100 bytes$/],
    [
      'is reset',
      async function* (bytes) {
        yield* inChunks(bytes.subarray(0, 64), 32);
        throw Object.assign(new Error('secret host'), { code: 'ECONNRESET' });
      },
      'STORE_FAILED',
      /ended after 64 of 100 bytes \(ECONNRESET\)$/,
    ],
    [
      'stalls',
      async function* (bytes) {
        yield* inChunks(bytes.subarray(0, 64), 32);
        await FOREVER;
      },
      'TIMEOUT',
      /nothing was heard for 40 ms/,
    ],
  ])('where a body %s, tells how many bytes are right', async (_, chunks, code, message) => {
    let body: FakeBody | undefined;
    const { error, into } = await failedRead((request) => {
      body = new FakeBody(() => chunks(OBJECT.subarray(request.start, request.end)));
      return answer(request, { body });
    });
    expect(error).toEqual(failure(code as 'TIMEOUT', message));
    expect(detailsOf(error)).toMatchObject({ key: 'a/k', isTransient: true, filledBytes: 64 });
    expect(into.subarray(0, 64)).toEqual(OBJECT.slice(10, 74));
    expect(into.subarray(64)).toEqual(new Uint8Array(36).fill(9));
    expect(body?.canceled).toBe(1);
  });

  test('where no answer comes, gives up, and lets go of one that comes too late', async () => {
    let late: ((answer: RangeAnswer) => void) | undefined;
    const body = new FakeBody(() => inChunks(OBJECT));
    const { error } = await failedRead(
      () =>
        new Promise<RangeAnswer>((resolve) => {
          late = resolve;
        }),
    );
    expect(error).toEqual(failure('TIMEOUT', /reading bytes 10-109/));
    expect(detailsOf(error)).toMatchObject({ isTransient: true, filledBytes: 0 });
    late?.(answer({ start: 10, end: 110, version: undefined, signal: AbortSignal.abort() }, { body }));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect([body.given, body.canceled]).toEqual([0, 1]);
  });

  test('a slow body is read to its end, as long as something comes', async () => {
    const slowly = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(bytes, 10)) {
        await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 4));
        yield chunk;
      }
    };
    const { reader } = readerOf((request) =>
      answer(request, { body: new FakeBody(() => slowly(OBJECT.subarray(request.start, request.end))) }),
    );
    const into = new Uint8Array(100);
    await reader.read(into, 10);
    expect(into).toEqual(OBJECT.slice(10, 110));
  });

  test('a thread that was blocked for longer than the timeout goes on reading', async () => {
    const { reader } = readerOf(async (request) => {
      const until = performance.now() + 5 * IDLE_MS;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return answer(request);
    });
    await reader.read(new Uint8Array(10), 0);
  });

  test('a failure of the request is the failure of the read', async () => {
    const reason = new Error('as the backend says');
    expect((await failedRead(() => Promise.reject(reason))).error).toBe(reason);
  });

  describe('ends at once with the reason of its signal', () => {
    const controller = { current: new AbortController() };
    afterEach(() => void (controller.current = new AbortController()));
    const reason = new Error('enough');

    test('before it begins', async () => {
      const { reader, requests } = readerOf((request) => answer(request));
      const signal = AbortSignal.abort(reason);
      await expect(reader.read(new Uint8Array(10), 0, { signal })).rejects.toBe(reason);
      await expect(reader.readRanges([{ position: 0, into: new Uint8Array(1) }], { signal })).rejects.toBe(reason);
      expect(requests).toEqual([]);
    });

    test('while it waits for the answer, which is told', async () => {
      const { reader, requests } = readerOf(() => FOREVER);
      const reading = reader.read(new Uint8Array(10), 0, { signal: controller.current.signal });
      await Promise.resolve();
      controller.current.abort(reason);
      await expect(reading).rejects.toBe(reason);
      expect(requests[0]?.signal.aborted).toBe(true);
    });

    test('within a body, of which nothing is written any more', async () => {
      const [begun, more] = [deferred(), deferred()];
      const body = new FakeBody(async function* () {
        yield new Uint8Array(10).fill(1);
        begun.resolve();
        await more.promise;
        yield new Uint8Array(90).fill(2);
      });
      const { reader } = readerOf((request) => answer(request, { body }));
      const into = new Uint8Array(100);
      const reading = reader.read(into, 10, { signal: controller.current.signal });
      await begun.promise;
      controller.current.abort(reason);
      more.resolve();
      await expect(reading).rejects.toBe(reason);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(into).toEqual(Uint8Array.from({ length: 100 }, (_, i) => (i < 10 ? 1 : 0)));
      expect(body.canceled).toBe(1);
    });
  });
});

describe('a whole object', () => {
  const whole = (bytes: Uint8Array, byteLength: number | undefined, limitBytes: number) => {
    const body = new FakeBody(() => inChunks(bytes));
    const object = { key: 'k', limitBytes, fetchWhole: async () => ({ byteLength, version: 'v', body }) };
    return { body, got: readWhole({ ...object, idleTimeoutMs: IDLE_MS }) };
  };

  test.each([1000, undefined])('is read up to the limit (its server says %p)', async (byteLength) => {
    const { body, got } = whole(OBJECT, byteLength, 1000);
    expect(await got).toEqual({ bytes: OBJECT, version: 'v' });
    expect(body.given).toBe(1000);
  });

  test('is refused above the limit, before or while it is read', async () => {
    const told = whole(OBJECT, 1000, 999);
    await expect(told.got).rejects.toEqual(failure('CORRUPT', /more than the 999/));
    expect([told.body.given, told.body.canceled]).toEqual([0, 1]);
    const untold = whole(new Uint8Array(1e6), undefined, 100);
    await expect(untold.got).rejects.toEqual(failure('CORRUPT', /more than the 100/));
    expect([untold.body.given, untold.body.canceled]).toEqual([128, 1]);
  });

  test('has the length that was said, or is none', async () => {
    await expect(whole(OBJECT, 999, 2000).got).rejects.toEqual(failure('CORRUPT', /expected 999 bytes/));
    await expect(whole(OBJECT, 1001, 2000).got).rejects.toEqual(failure('STORE_FAILED', /after 1000 of 1001 bytes/));
  });

  test('that is not there is undefined', async () => {
    expect(await readWhole({ key: 'k', limitBytes: 1, fetchWhole: async () => undefined })).toBeUndefined();
  });
});
