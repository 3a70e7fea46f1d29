import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { failure } from '../expect-error.js';
import { startFreezingProxy, type FreezingProxy } from '../servers/freezing-proxy.js';
import { clientConfigOf, newBucket } from '../servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../servers/servers.js';
import { keysOf } from './stored.js';

jest.setTimeout(120_000);
const SOCKETS = 6;
/** Of what ends at once, on a machine that does much else: far less than any timeout here. */
const AT_ONCE_MS = 3_000;
const records = Array.from({ length: 700 }, (_, i) => ({ i, bytes: new Uint8Array(2 ** 14).fill(i & 255) }));
const reason = new Error('enough');

/** A client with connections and timeouts of its owner's. */
function ownClient(endpoint: string, timeouts: { readonly requestTimeout: number }) {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  const requestHandler = new NodeHttpHandler({
    httpAgent: agent,
    connectionTimeout: 20_000,
    throwOnRequestTimeout: true,
    ...timeouts,
  });
  const client = new S3Client({ ...clientConfigOf({ endpoint }), maxAttempts: 1, requestHandler });
  return { agent, client };
}

await describeWithServer('S3Storage by a client of its owner', startMoto, (server) => {
  let proxy: FreezingProxy;
  let bucket: string;
  beforeAll(async () => {
    proxy = await startFreezingProxy(server.port);
  });
  afterAll(() => proxy.close());
  beforeEach(async () => {
    bucket = await newBucket(server);
  });

  test('submit, fetch, stream and vacuum go by its connections alone, and leave it open', async () => {
    const { agent, client } = ownClient(proxy.endpoint, { requestTimeout: 20_000 });
    let most = 0;
    const counting = setInterval(() => (most = Math.max(most, proxy.open)), 1);
    const storage = new S3Storage({ bucket, client, memoryLimitBytes: 0 });
    await storage.submit(records, 'x', '1');
    const dataset = await storage.fetch('x', '1');
    let at = 0;
    for await (const batch of dataset.stream({ shuffle: false }).batch(64))
      for (const record of batch.records()) expect(record).toEqual(records[at++]);
    expect(at).toBe(records.length);
    await storage.vacuum({ graceMs: 0 });
    expect((await storage.verify('x', '1')).ok).toBe(true);
    clearInterval(counting);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(SOCKETS);
    await until(() => !isUsed(agent));
    // Its owner goes on with it, and ends it.
    expect((await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(3);
    client.destroy();
    await expectNoneOpen(agent);
  });

  test('an abort of each ends at once with its reason, and leaves nothing open', async () => {
    const usual = new S3Storage({ bucket, clientConfig: clientConfigOf(server) });
    await usual.submit(records, 'x', '1');
    const { agent, client } = ownClient(proxy.endpoint, { requestTimeout: 60_000 });
    const storage = new S3Storage({ bucket, client, memoryLimitBytes: 0 });
    const dataset = await storage.fetch('x', '1');
    function* freezingLate(freeze: () => void) {
      for (const record of records) {
        if (record.i === 650) freeze();
        yield record;
      }
    }
    const works: Record<string, (signal: AbortSignal, freeze: () => void) => Promise<unknown>> = {
      submit: (signal, freeze) => (freeze(), storage.submit(records, 'y', '1', { signal })),
      'submit, in an upload of several parts': (signal, freeze) =>
        storage.submit(freezingLate(freeze), 'z', '1', { signal }),
      fetch: (signal, freeze) => (freeze(), storage.fetch('x', '1', { signal })),
      read: (signal, freeze) => (freeze(), dataset.read([1, 300, 600], { signal })),
      verify: (signal, freeze) => (freeze(), storage.verify('x', '1', { signal })),
      vacuum: (signal, freeze) => (freeze(), storage.vacuum({ signal })),
    };
    for (const [name, work] of Object.entries(works)) {
      const controller = new AbortController();
      let freeze = (): void => undefined;
      const isStuck = new Promise<void>((resolve) => (freeze = () => void proxy.freeze().then(resolve)));
      const working = work(controller.signal, freeze);
      working.catch(() => undefined);
      await isStuck;
      const abortedMs = performance.now();
      controller.abort(reason);
      await expect(working).rejects.toBe(reason);
      expect([name, performance.now() - abortedMs < AT_ONCE_MS]).toEqual([name, true]);
      proxy.thaw();
      await until(() => !isUsed(agent));
    }
    // A stream has no signal: it is closed.
    const stream = dataset.stream({ shuffle: false });
    const stuck = proxy.freeze();
    const next = stream[Symbol.asyncIterator]().next();
    next.catch(() => undefined);
    await stuck;
    const closedMs = performance.now();
    await stream.close();
    await expect(next).rejects.toEqual(failure('STREAM_CLOSED', /./u));
    expect(performance.now() - closedMs).toBeLessThan(AT_ONCE_MS);
    proxy.thaw();
    // What an aborted submit has begun is removed by what is still under way, through this client.
    await until(async () => !isUsed(agent) && (await leftIn(bucket)).length === 0);
    client.destroy();
    await expectNoneOpen(agent);
    expect(await leftIn(bucket)).toEqual([]);
  });

  test('its own timeout is a failure of the store that may pass', async () => {
    const { agent, client } = ownClient(proxy.endpoint, { requestTimeout: 3_000 });
    const store = new S3Store({ bucket, client });
    await store.put('k', new Uint8Array([1, 2, 3]));
    void proxy.freeze();
    await expect(store.get('k', 10)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/reading k failed \(TimeoutError/u),
      details: { isTransient: true },
    });
    proxy.thaw();
    expect((await store.get('k', 10))?.bytes).toEqual(new Uint8Array([1, 2, 3]));
    client.destroy();
    await expectNoneOpen(agent);
  });

  /** Objects of datasets but x, and uploads. */
  async function leftIn(looked: string): Promise<unknown[]> {
    const looking = new S3Client(clientConfigOf(server));
    const { Uploads = [] } = await looking.send(new ListMultipartUploadsCommand({ Bucket: looked }));
    looking.destroy();
    const keys = await keysOf(new S3Store({ bucket: looked, clientConfig: clientConfigOf(server) }));
    return [...Uploads.map(({ Key }) => `upload of ${Key}`), ...keys.filter((key) => !key.startsWith('x/'))];
  }

  async function expectNoneOpen(agent: Agent): Promise<void> {
    await until(() => !isUsed(agent) && proxy.open === 0);
  }
});

/** Whether a request is under way, or waits for a connection. */
function isUsed({ sockets, requests }: Agent): boolean {
  return Object.keys(sockets).length + Object.keys(requests).length > 0;
}

/** Waits for what must come to pass. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await isSo()) && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await isSo()).toBe(true);
}
