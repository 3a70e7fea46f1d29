// Many calls that nobody awaits one by one, of all kinds: each meets the others' of its turn.
import { openMpi } from '@dataref/horovod-shard/mpi';

const mpi = await openMpi();
const { rank, size } = mpi;
const order = [];
const calls = Array.from({ length: 60 }, async (_, i) => {
  const call = [
    () => mpi.allreduce(Float64Array.of(i + rank)),
    () => mpi.broadcast(Int32Array.of(rank === i % size ? i : -1), i % size),
    () => mpi.allgather(Uint8Array.of(i, rank)),
    () => mpi.barrier(),
  ][i % 4];
  const result = await call();
  order.push(i);
  return result === undefined ? undefined : Array.from(result);
});
let refused;
try {
  mpi.barrierSync();
} catch (error) {
  refused = `${error.code} ${error.message}`;
}
const results = await Promise.all(calls);
mpi.barrierSync();
const ranks = Array.from({ length: size }, (_, r) => r);
const expected = results.map(
  (_, i) => [[ranks.reduce((sum, r) => sum + i + r, 0)], [i], ranks.flatMap((r) => [i, r]), undefined][i % 4],
);
const isRight = JSON.stringify(results) === JSON.stringify(expected);
const isInOrder = order.every((turn, i) => turn === i);
const closing = Promise.all([mpi.close(), mpi.close()]);
const afterClose = await mpi.barrier().catch((error) => `${error.code} ${error.message}`);
await closing;
await mpi[Symbol.asyncDispose]();
console.log(JSON.stringify({ rank, isRight, isInOrder, refused, afterClose }));
