import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withRetry, type ObjectReader, type ObjectStore, type RetryOptions } from '@dataref/core/store';
import { failure } from '../../packages/core/test/expect-error.js';
import { describeWithServer, type Server } from '../../packages/core/test/servers/servers.js';
import { FaultProxy, type Fault, type ProxiedRequest } from './fault-proxy.js';
import { BACKENDS, type Backend, type Place } from './places.js';
import { within } from './within.js';

const IDLE_MS = 50;
const LIMIT_MS = 20_000;
const KEY = 'a/object.bin';
const RETRY: RetryOptions = { attempts: 30, budgetMs: 15_000, baseDelayMs: 2, maxDelayMs: 50 };
const object = bytes(400_000, 1);

const READ_FAULTS: readonly [string, Fault][] = [
  ['is reset in mid-body', { kind: 'reset', after: 100_000 }],
  ['is reset before its first byte', { kind: 'reset', after: 0 }],
  ['ends in mid-body', { kind: 'end', after: 100_000 }],
  ['ends before its first byte', { kind: 'end', after: 0 }],
  ['falls silent in mid-body', { kind: 'stall', after: 100_000 }],
  ['falls silent before its first byte', { kind: 'stall', after: 0 }],
  ['comes slowly', { kind: 'slow', pieces: 20, delayMs: 10 }],
  ['is cut short, and says so little', { kind: 'short', byteLength: 100_000 }],
  ['is 500', { kind: 'status', status: 500 }],
  ['is 502', { kind: 'status', status: 502 }],
  ['is 503', { kind: 'status', status: 503 }],
  ['is 503 with Retry-After', { kind: 'status', status: 503, retryAfter: '1' }],
  ['is 429', { kind: 'status', status: 429 }],
  ['is none: the connection is closed', { kind: 'hang-up' }],
  ['is none: nothing is heard', { kind: 'blackhole' }],
  ['is lost', { kind: 'lose-answer' }],
];

const WRITE_FAULTS: readonly [string, Fault][] = [
  ...READ_FAULTS.filter(([, { kind }]) => kind === 'status' || kind === 'hang-up' || kind === 'blackhole'),
  ['is 409', { kind: 'status', status: 409 }],
  ['is lost', { kind: 'lose-answer' }],
  ['is none: the connection is closed in the midst of the upload', { kind: 'cut-upload', after: 100_000 }],
];

for (const backend of BACKENDS) {
  await describeWithServer(backend.name, backend.start, (server) => {
    describe('reading', () => readTests(backend, server));
    if (backend.canWrite) describe('writing', () => writeTests(backend, server));
  });
}

/** A new place behind a proxy for each test. */
function setUp(backend: Backend, server: Server) {
  const now = {} as { place: Place; proxy: FaultProxy };
  beforeEach(async () => {
    now.place = await backend.newPlace(server);
    now.proxy = await FaultProxy.start(server.port);
  });
  afterEach(() => now.proxy.close());
  const retrying = (options: RetryOptions = RETRY, idleTimeoutMs = IDLE_MS): ObjectStore =>
    withRetry(now.place.through(now.proxy.port, idleTimeoutMs), options);
  return { now, retrying };
}

function readTests(backend: Backend, server: Server): void {
  const { now, retrying } = setUp(backend, server);
  beforeEach(async () => void (await now.place.direct.put(KEY, object)));

  const isRange = ({ range }: ProxiedRequest): boolean => range !== undefined;
  const [start, end] = [1000, 301_000];

  /** Reads one range; every fault meets one request of it. */
  async function readWith(faults: readonly Fault[], options?: RetryOptions): Promise<ProxiedRequest[]> {
    const reader = (await retrying(options).open(KEY, { byteLength: object.length })) as ObjectReader;
    now.proxy.spoil(faults, isRange);
    const into = new Uint8Array(end - start);
    await within(LIMIT_MS, reader.read(into, start));
    expect(Buffer.compare(into, object.subarray(start, end))).toBe(0);
    return now.proxy.requests.filter(isRange);
  }

  test.each(READ_FAULTS)('a range whose answer %s is right', async (_, fault) => {
    const begunMs = performance.now();
    const requests = await readWith([fault]);
    if (fault.kind !== 'slow') expect(requests.length).toBeGreaterThanOrEqual(2);
    if (fault.kind === 'end' || fault.kind === 'short') {
      const came = 'after' in fault ? fault.after : fault.byteLength;
      expect(requests[1]?.range).toBe(`bytes=${start + came}-${end - 1}`); // goes on where it was cut off
    }
    if (fault.kind === 'status' && fault.retryAfter !== undefined)
      expect(performance.now() - begunMs).toBeGreaterThanOrEqual(1000);
  });

  test('a range is right after all of them in a row', async () => {
    await readWith(READ_FAULTS.map(([, fault]) => fault));
  });

  test.each(READ_FAULTS)('an object whose answer %s is right', async (_, fault) => {
    const store = retrying();
    now.proxy.spoil([fault]);
    expect((await within(LIMIT_MS, store.head(KEY)))?.byteLength).toBe(object.length);
    now.proxy.spoil([fault]);
    const held = await within(LIMIT_MS, store.get(KEY, object.length));
    expect(Buffer.compare(held?.bytes as Uint8Array, object)).toBe(0);
    now.proxy.spoil([fault]);
    expect((await within(LIMIT_MS, store.open(KEY)))?.byteLength).toBe(object.length);
    now.proxy.spoil([fault]);
    expect(await within(LIMIT_MS, store.get('a/none', 10))).toBeUndefined();
  });

  test('a server that knows no ranges is told from one that does', async () => {
    const reader = (await retrying().open(KEY, { byteLength: object.length })) as ObjectReader;
    now.proxy.faultOf = () => ({ kind: 'ignore-range' });
    await expect(within(LIMIT_MS, reader.read(new Uint8Array(1000), 77))).rejects.toEqual(
      failure('CORRUPT', /object\.bin.*(?:200|206)/u),
    );
    expect(now.proxy.requests.filter(isRange).length).toBe(1);
  });

  test('an object that is replaced in mid-read is not mixed with its successor', async () => {
    const reader = (await retrying().open(KEY)) as ObjectReader;
    const meanwhile = (): Promise<unknown> => now.place.direct.put(KEY, bytes(object.length, 2));
    now.proxy.spoil([{ kind: 'reset', after: 100_000, meanwhile }], isRange);
    const read = within(LIMIT_MS, reader.read(new Uint8Array(200_000), 0));
    await expect(read).rejects.toEqual(failure('GENERATION_GONE', /object\.bin/u));
  });

  test('connections that are refused for a while', async () => {
    const store = retrying({ ...RETRY, attempts: 1000 });
    const refused = now.proxy.refuse(300);
    const held = await within(LIMIT_MS, store.get(KEY, object.length));
    expect(held?.bytes.length).toBe(object.length);
    await refused;
  });

  test('connections that are refused for good', async () => {
    const store = retrying({ ...RETRY, attempts: 5 });
    await now.proxy.close();
    await expect(within(LIMIT_MS, store.get(KEY, object.length))).rejects.toEqual(
      failure('STORE_FAILED', /object\.bin.*given up after 5 attempts/u),
    );
    await now.proxy.refuse(0);
  });

  test.each<[string, Fault, RegExp]>([
    ['503', { kind: 'status', status: 503, retryAfter: '3600' }, /given up after \d+ attempts over 0\.[3-9] s/u],
    ['silence', { kind: 'blackhole' }, /nothing was heard.*given up after \d+ attempts/u],
    ['an end', { kind: 'end', after: 0 }, /given up after \d+ attempts/u],
  ])('where every answer is %s, the end is an error, in time', async (_, fault, message) => {
    const store = retrying({ ...RETRY, attempts: 1000, budgetMs: 300 });
    now.proxy.faultOf = () => fault;
    const code = fault.kind === 'blackhole' ? 'TIMEOUT' : 'STORE_FAILED';
    await expect(within(5000, store.get(KEY, object.length))).rejects.toEqual(failure(code, message));
    const reader = (await store.open(KEY, { byteLength: object.length })) as ObjectReader;
    await expect(within(5000, reader.read(new Uint8Array(9000), 0))).rejects.toEqual(failure(code, message));
  });

  test.each<[string, Fault]>([
    ['silence before an answer', { kind: 'blackhole' }],
    ['silence in mid-body', { kind: 'stall', after: 1000 }],
    ['a wait for the next attempt', { kind: 'status', status: 503, retryAfter: '3600' }],
  ])('an abort ends %s at once', async (_, fault) => {
    const store = retrying({ budgetMs: 3_600_000 }, 60_000);
    const reader = (await store.open(KEY, { byteLength: object.length })) as ObjectReader;
    now.proxy.faultOf = () => fault;
    const reads: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal: AbortSignal) => store.get(KEY, object.length, { signal }),
      (signal: AbortSignal) => reader.read(new Uint8Array(9000), 0, { signal }),
    ];
    for (const read of reads) {
      const controller = new AbortController();
      const reason = new Error('enough');
      setTimeout(() => controller.abort(reason), 100);
      await expect(within(LIMIT_MS, read(controller.signal))).rejects.toBe(reason);
    }
  });
}

function writeTests(backend: Backend, server: Server): void {
  const { now, retrying } = setUp(backend, server);
  const isWrite = ({ method }: ProxiedRequest): boolean => method !== 'GET' && method !== 'HEAD';
  const stored = async (key: string): Promise<Uint8Array | undefined> =>
    (await now.place.direct.get(key, 2 ** 25))?.bytes;

  test.each(WRITE_FAULTS)('what is put is there, once, though the answer %s', async (_, fault) => {
    const store = retrying();
    const spoil = (): void => now.proxy.spoil([fault], isWrite);
    spoil();
    expect(await within(LIMIT_MS, store.put(KEY, object))).toBeDefined();
    expect(Buffer.compare((await stored(KEY)) as Uint8Array, object)).toBe(0);
    // On a condition, which an attempt whose answer got lost has made untrue.
    spoil();
    const first = (await within(LIMIT_MS, store.put('a/lease', bytes(150_000, 3), { ifAbsent: true }))) as string;
    expect(first).toBe((await now.place.direct.get('a/lease', 2 ** 20))?.version);
    spoil();
    const second = await within(LIMIT_MS, store.put('a/lease', bytes(150_000, 4), { ifVersion: first }));
    expect(second).toBe((await now.place.direct.get('a/lease', 2 ** 20))?.version);
    expect(await stored('a/lease')).toEqual(bytes(150_000, 4));
    spoil();
    expect(await within(LIMIT_MS, store.put('a/lease', bytes(9, 5), { ifVersion: first }))).toBeUndefined();
    expect(await within(LIMIT_MS, store.put('a/lease', bytes(9, 5), { ifAbsent: true }))).toBeUndefined();
    expect(await stored('a/lease')).toEqual(bytes(150_000, 4));
  });

  test.each(WRITE_FAULTS)('what is deleted is gone, though the answer %s', async (_, fault) => {
    const store = retrying();
    await now.place.direct.put(KEY, bytes(10, 1));
    now.proxy.spoil([fault], isWrite);
    expect(await within(LIMIT_MS, store.delete(KEY))).toBe(true);
    expect(await stored(KEY)).toBeUndefined();
  });

  test.each(READ_FAULTS)('a listing whose answer %s is whole', async (_, fault) => {
    const keys = Array.from({ length: 12 }, (__, i) => `a/${i}/b`).toSorted();
    await Promise.all(keys.map((key) => now.place.direct.put(key, bytes(3, 1))));
    const store = retrying();
    now.proxy.spoil(['after' in fault ? { ...fault, after: Math.min(300, fault.after) } : fault]);
    const listed: string[] = [];
    for await (const { key } of store.list('a/')) listed.push(key);
    expect(listed.toSorted()).toEqual(keys);
    now.proxy.spoil([fault]);
    expect((await within(LIMIT_MS, store.listFolders('a/'))).length).toBe(12);
  });

  test.each(WRITE_FAULTS)('a large object is written whole, though every answer %s for once', async (_, fault) => {
    const store = retrying();
    const large = bytes(18 * 2 ** 20, 6);
    const spoiled = new Set<string>();
    now.proxy.faultOf = (request) => {
      // Once for each step: the first of every kind of request, and each piece.
      const step = `${request.method} ${request.url}`;
      if (!isWrite(request) || spoiled.has(step)) return undefined;
      spoiled.add(step);
      return fault;
    };
    const writer = await within(LIMIT_MS, store.create(KEY));
    for (let at = 0; at < large.length; at += 3_000_000)
      await within(LIMIT_MS, writer.write(large.subarray(at, at + 3_000_000)));
    expect(await stored(KEY)).toBeUndefined();
    await within(LIMIT_MS, writer.commit());
    expect(Buffer.compare((await stored(KEY)) as Uint8Array, large)).toBe(0);
    expect(spoiled.size).toBeGreaterThan(1);
  });

  test('where every answer is an error, so is the end, in time, and nothing is there', async () => {
    const store = retrying({ ...RETRY, attempts: 4 });
    now.proxy.faultOf = (request) => (isWrite(request) ? { kind: 'status', status: 503 } : undefined);
    const given = failure('STORE_FAILED', /503.*given up after 4 attempts/u);
    await expect(within(LIMIT_MS, store.put(KEY, object, { ifAbsent: true }))).rejects.toEqual(given);
    const write = async (): Promise<void> => {
      const writer = await store.create(KEY);
      await writer.write(object);
      await writer.commit();
    };
    await expect(within(LIMIT_MS, write())).rejects.toEqual(given);
    expect(await stored(KEY)).toBeUndefined();
  });
}

function bytes(length: number, seed: number): Uint8Array {
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = (i * 31 + (i >> 8) * 7 + (i >> 16) + seed * 101) & 255;
  return made;
}
