import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isDataRefError } from '@dataref/core';
import { withRetry, type ObjectReader, type ObjectStore, type RetryOptions } from '@dataref/core/store';
import { failure } from '../../packages/core/test/expect-error.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
import { FaultProxy, type Fault, type ProxiedRequest } from './fault-proxy.js';
import type { Backend, Place } from './places.js';
import { patienceMs } from './patience.js';
import { within } from './within.js';

const LIMIT_MS = 30_000;
const LARGE_LIMIT_MS = 120_000;
/** An idle timeout where something is always heard: a busy machine is never taken for a silent server. */
const PATIENT_MS = 25_000;
const KEY = 'a/object.bin';
const RETRY: RetryOptions = { attempts: 30, budgetMs: 25_000, baseDelayMs: 2, maxDelayMs: 50 };
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

/** Claims about every fault by itself, of one request or of several in a row. */
export function singleFaultTests(backend: Backend, server: Server): void {
  describe('reading', () => readTests(backend, server));
  if (backend.canWrite) describe('writing', () => writeTests(backend, server));
}

/** A new place behind a proxy for each test. */
function setUp(backend: Backend, server: Server) {
  const now = { idleMs: 0 } as { place: Place; proxy: FaultProxy; idleMs: number };
  beforeAll(async () => {
    const proxy = await FaultProxy.start(server.port);
    now.idleMs = await patienceMs(await backend.newPlace(server), proxy.port);
    await proxy.close();
  });
  beforeEach(async () => {
    now.place = await backend.newPlace(server);
    now.proxy = await FaultProxy.start(server.port);
  });
  afterEach(() => now.proxy.close());
  /** As patient as what goes wrong allows. */
  const retrying = (faults: readonly Fault[] = [], options: RetryOptions = RETRY): ObjectStore => {
    const isSilent = faults.some(({ kind }) => kind === 'stall' || kind === 'blackhole');
    return withRetry(now.place.through(now.proxy.port, isSilent ? now.idleMs : PATIENT_MS), options);
  };
  return { now, retrying };
}

function readTests(backend: Backend, server: Server): void {
  const { now, retrying } = setUp(backend, server);
  beforeEach(async () => void (await now.place.direct.put(KEY, object)));

  const isRange = ({ range }: ProxiedRequest): boolean => range !== undefined;
  const [start, end] = [1000, 301_000];

  /** Reads one range; every fault meets one request of it. */
  async function readWith(faults: readonly Fault[]): Promise<ProxiedRequest[]> {
    const reader = (await retrying(faults).open(KEY, { byteLength: object.length })) as ObjectReader;
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
      expect(performance.now() - begunMs).toBeGreaterThanOrEqual(990);
  });

  test('a range is right after all of them in a row', async () => {
    await readWith(READ_FAULTS.map(([, fault]) => fault));
  });

  // A whole object that is cut short, and says that it should be, is found by what is in it alone: a manifest has a checksum.
  const wholeFaults = READ_FAULTS.filter(([, { kind }]) => kind !== 'short');

  test.each(wholeFaults)('an object whose answer %s is right', async (_, fault) => {
    const store = retrying([fault]);
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
    const store = retrying([], { ...RETRY, attempts: 1000 });
    const refused = now.proxy.refuse(300);
    const held = await within(LIMIT_MS, store.get(KEY, object.length));
    expect(held?.bytes.length).toBe(object.length);
    await refused;
  });

  test('connections that are refused for good', async () => {
    const store = retrying([], { ...RETRY, attempts: 5 });
    await now.proxy.close();
    await expect(within(LIMIT_MS, store.get(KEY, object.length))).rejects.toEqual(
      failure('STORE_FAILED', /object\.bin.*given up after 5 attempts/u),
    );
    await now.proxy.refuse(0);
  });

  test.each<[string, Fault, RegExp]>([
    ['503', { kind: 'status', status: 503, retryAfter: '3600' }, /given up after \d+ attempts? over/u],
    ['silence', { kind: 'blackhole' }, /nothing was heard.*given up after \d+ attempts?/u],
    ['an end', { kind: 'end', after: 0 }, /given up after \d+ attempts?/u],
  ])('where every answer is %s, the end is an error, in time', async (_, fault, message) => {
    const store = retrying([fault], { ...RETRY, attempts: 1000, budgetMs: 300 });
    now.proxy.faultOf = () => fault;
    const code = fault.kind === 'blackhole' ? 'TIMEOUT' : 'STORE_FAILED';
    await expect(within(LIMIT_MS, store.get(KEY, object.length))).rejects.toEqual(failure(code, message));
    const reader = (await store.open(KEY, { byteLength: object.length })) as ObjectReader;
    await expect(within(LIMIT_MS, reader.read(new Uint8Array(9000), 0))).rejects.toEqual(failure(code, message));
  });

  test.each<[string, Fault]>([
    ['silence before an answer', { kind: 'blackhole' }],
    ['silence in mid-body', { kind: 'stall', after: 1000 }],
    ['a wait for the next attempt', { kind: 'status', status: 503, retryAfter: '3600' }],
  ])('an abort ends %s at once', async (_, fault) => {
    const store = withRetry(now.place.through(now.proxy.port, 60_000), { budgetMs: 3_600_000 });
    const reader = (await store.open(KEY, { byteLength: object.length })) as ObjectReader;
    now.proxy.faultOf = () => fault;
    const reads: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => store.get(KEY, object.length, { signal }),
      (signal) => reader.read(new Uint8Array(9000), 0, { signal }),
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

  const expectStored = async (key: string, expected: Uint8Array): Promise<void> =>
    expect(Buffer.compare((await stored(key)) as Uint8Array, expected)).toBe(0);

  test.each(WRITE_FAULTS)('what is put is there, once, though the answer %s', async (_, fault) => {
    const store = retrying([fault]);
    const spoil = (): void => now.proxy.spoil([fault], isWrite);
    spoil();
    expect(await within(LIMIT_MS, store.put(KEY, object))).toBeDefined();
    await expectStored(KEY, object);
    // On a condition, which an attempt whose answer got lost has made untrue.
    spoil();
    const first = (await within(LIMIT_MS, store.put('a/lease', bytes(150_000, 3), { ifAbsent: true }))) as string;
    expect(first).toBe((await now.place.direct.get('a/lease', 2 ** 20))?.version);
    spoil();
    const second = await within(LIMIT_MS, store.put('a/lease', bytes(150_000, 4), { ifVersion: first }));
    expect(second).toBe((await now.place.direct.get('a/lease', 2 ** 20))?.version);
    await expectStored('a/lease', bytes(150_000, 4));
    spoil();
    expect(await within(LIMIT_MS, store.put('a/lease', bytes(9, 5), { ifVersion: first }))).toBeUndefined();
    expect(await within(LIMIT_MS, store.put('a/lease', bytes(9, 5), { ifAbsent: true }))).toBeUndefined();
    await expectStored('a/lease', bytes(150_000, 4));
  });

  test.each(WRITE_FAULTS)('what is deleted is gone, though the answer %s', async (_, fault) => {
    const store = retrying([fault]);
    await now.place.direct.put(KEY, bytes(10, 1));
    now.proxy.spoil([fault], isWrite);
    expect(await within(LIMIT_MS, store.delete(KEY))).toBe(true);
    expect(await stored(KEY)).toBeUndefined();
  });

  test.each(READ_FAULTS)('a listing whose answer %s is whole', async (_, fault) => {
    const keys = Array.from({ length: 12 }, (__, i) => `a/${i}/b`).toSorted();
    await Promise.all(keys.map((key) => now.place.direct.put(key, bytes(3, 1))));
    const store = retrying([fault]);
    now.proxy.spoil(['after' in fault ? { ...fault, after: Math.min(300, fault.after) } : fault]);
    const listed: string[] = [];
    for await (const { key } of store.list('a/')) listed.push(key);
    expect(listed.toSorted()).toEqual(keys);
    now.proxy.spoil([fault]);
    expect((await within(LIMIT_MS, store.listFolders('a/'))).length).toBe(12);
  });

  const uploadFaults = WRITE_FAULTS.filter(
    ([name, { kind }]) => kind === 'cut-upload' || kind === 'lose-answer' || name === 'is 503',
  );

  test.each(uploadFaults)(
    'a large object is whole, or an error and not there, though every answer %s for once',
    async (_, fault) => {
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
      const write = async (): Promise<void> => {
        const writer = await store.create(KEY);
        for (let at = 0; at < large.length; at += 3_000_000) await writer.write(large.subarray(at, at + 3_000_000));
        expect(await stored(KEY)).toBeUndefined();
        await writer.commit();
      };
      const error = await within(LARGE_LIMIT_MS, write()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) await expectStored(KEY, large);
      else expect([isDataRefError(error), await stored(KEY)]).toEqual([true, undefined]);
      // Only a server that appends what it is sent again (fake-gcs-server does) may make it fail.
      if (fault.kind !== 'lose-answer') expect(error).toBeUndefined();
      expect(spoiled.size).toBeGreaterThan(1);
    },
  );

  test('where every answer is an error, so is the end, in time, and nothing is there', async () => {
    const store = retrying([], { ...RETRY, attempts: 4 });
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
