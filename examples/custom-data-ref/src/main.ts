// A DataRef of one's own: records that another machine makes, streamed, shuffled, sharded and resumed as stored ones are.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineDataRef, field, ndarray } from '@dataref/core';

// The other machine: answers GET /7,3 with the random values of records 7 and 3, the same ones whenever it is asked.
const server = createServer((request, response) => {
  const indices = (request.url ?? '/').slice(1).split(',').map(Number);
  response.end(JSON.stringify(indices.map((index) => [0, 1, 2, 3].map((k) => randomValue(index * 4 + k)))));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// The DataRef: a length, a schema, a text that names the data, and a function that reads records by index.
const noise = defineDataRef({
  length: 100,
  fingerprint: 'noise-v1',
  schema: { index: field('int32'), values: field('float32', [4]) },
  read: async (indices, { signal }) => {
    const answer = await fetch(`${url}/${indices.join(',')}`, { signal });
    const rows = (await answer.json()) as number[][];
    return rows.map((row, i) => ({ index: indices[i] as number, values: ndarray(Float32Array.from(row), [4]) }));
  },
});

const pipeline = () => noise.stream({ shuffle: true, shuffleSeed: 1, shardRank: 0, numShards: 2 }).batch(8);
let state;
for await (const batch of pipeline()) {
  console.log(`batch ${batch.step}:`, Array.from(batch.columns.index.data).join(' '));
  state = batch.state;
  if (batch.step === 2) break; // as if the job had been killed here
}
console.log('resumed:');
for await (const batch of pipeline().resume(state)) {
  console.log(`batch ${batch.step}:`, Array.from(batch.columns.index.data).join(' '));
}
server.close();

/** A number in [0, 1) from an integer: xorshift, three rounds. */
function randomValue(seed: number): number {
  let x = (seed + 1) * 2654435761;
  for (let round = 0; round < 3; round++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return (x >>> 0) / 2 ** 32;
}
