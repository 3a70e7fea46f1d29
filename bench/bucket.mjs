// node bucket.mjs SCALE PYTHON: what reading from a bucket of S3 asks for and gets, as a proxy counts it: no times.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Storage } from '@dataref/core/s3';
import { countingProxy } from './counting-proxy.mjs';
import { BATCH, check, ORDERS, readEpoch, RECORD_BYTES, store } from './far-dataset.mjs';

const [scale, python] = process.argv.slice(2);
const COUNT = Math.round(100_000 * Number(scale));
const bytesOfDataset = COUNT * RECORD_BYTES;
const bucket = 'bench';
const print = (line) => console.log(JSON.stringify({ workload: 'bucket', ...line }));

const server = await startServer();
const proxy = await countingProxy(server.port);
const clientConfig = {
  endpoint: proxy.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
};
try {
  await new S3Client(clientConfig).send(new CreateBucketCommand({ Bucket: bucket }));
  await store(new S3Storage({ bucket, clientConfig }), COUNT);
  const { requests } = proxy.counts;
  print({ mode: 'submit', records: COUNT, bytesOfRecords: bytesOfDataset, requests });
  for (const [order, options] of Object.entries(ORDERS)) await firstBatch(order, options);
  await cachedEpoch('parts', ORDERS.parts);
} finally {
  proxy.close();
  server.end();
}

/** What `work` does with the dataset, as counted. Nothing is held in memory but heads. */
async function counted(work, cache) {
  const before = { ...proxy.counts };
  const storage = new S3Storage({ bucket, clientConfig, memoryLimitBytes: 0, ...(cache && { cache }) });
  const dataref = await storage.fetch('far', '1');
  const fetched = { ...proxy.counts };
  await work(dataref);
  return {
    requestsOfFetch: fetched.requests - before.requests,
    bytesOfFetch: fetched.bytes - before.bytes,
    requests: proxy.counts.requests - fetched.requests,
    bytes: proxy.counts.bytes - fetched.bytes,
  };
}

async function firstBatch(order, options) {
  const counts = await counted(async (dataref) => {
    for await (const batch of dataref.stream(options).batch(BATCH).take(1)) check(batch);
  });
  print({ mode: `first batch, ${order}`, ...counts, bytesOfRecords: BATCH * RECORD_BYTES, bytesOfDataset });
}

/** An epoch through a cache of a quarter of the data. */
async function cachedEpoch(order, options) {
  const directory = mkdtempSync(join(tmpdir(), 'dataref-bench-'));
  try {
    const cache = { directory, limitBytes: bytesOfDataset / 4 };
    const counts = await counted((dataref) => readEpoch(dataref.stream(options), COUNT), cache);
    print({ mode: `epoch, cache of 25 %, ${order}`, records: COUNT, ...counts, bytesOfDataset });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** moto, as the tests run it: it ends with our end of its standard input. */
async function startServer() {
  const port = await freePort();
  const script = join(import.meta.dirname, '..', 'packages', 'core', 'test', 'servers', 'run_server.py');
  const child = spawn(python, [script, 'moto', String(port)], { stdio: ['pipe', 'ignore', 'inherit'] });
  for (let attempt = 0; ; attempt++) {
    const isThere = await fetch(`http://127.0.0.1:${port}/moto-api/`).then(
      () => true,
      () => false,
    );
    if (isThere) return { port, end: () => child.stdin.end() };
    if (attempt === 300 || child.exitCode !== null) throw new Error('the server did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort() {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
