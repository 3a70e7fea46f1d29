// Every reduction of every dtype against the plain computation, and what is sent and gathered.
import { createHash } from 'node:crypto';
import { openMpi } from '@dataref/horovod-shard/mpi';
import { reduceInto } from '../../../dist/collective/reduce.js';

const LARGE = 6_553_600; // 25 MB of float32
const mpi = await openMpi();
const { rank, size } = mpi;
const ranks = Array.from({ length: size }, (_, r) => r);
const wrong = [];
const digest = createHash('sha256');
let cases = 0;

/** Any numbers, the same for the same arguments; `special` ones have zeros of both signs, infinities, NaN. */
function numbers(Kind, length, seed, special) {
  const values = new Kind(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = Kind === Int32Array ? state | 0 : state / 2 ** 31 - 1;
    if (special && state % 5 === 0) values[i] = [NaN, 0, -0, Infinity, -Infinity][(state >>> 8) % 5];
  }
  return values;
}

/** A view that begins and ends within its buffer, which is not to be touched outside of it. */
function within(values) {
  const whole = new values.constructor(values.length + 3);
  whole.set(values, 1);
  const view = whole.subarray(1, values.length + 1);
  const isWhole = () => [0, whole.length - 2, whole.length - 1].every((i) => Number(whole[i]) === 0);
  return { view, isWhole };
}

function check(what, isRight, ...results) {
  cases++;
  if (!isRight) wrong.push(what);
  for (const result of results) digest.update(new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
}

async function reduced(Kind, reduction, length, isSync) {
  const special = reduction !== 'sum' && reduction !== 'mean';
  const parts = ranks.map((r) => numbers(Kind, length, 100 * length + r, special));
  const expected = new Kind(length);
  reduceInto(expected, parts, reduction);
  const { view, isWhole } = within(parts[rank]);
  const got = isSync ? mpi.allreduceSync(view, reduction) : await mpi.allreduce(view, reduction);
  const isExact = Kind === Int32Array || special;
  const most = Kind === Float32Array ? size * 2 ** -22 : size * 2 ** -51;
  const isRight = view.every((x, i) => (isExact ? Object.is(x, expected[i]) : Math.abs(x - expected[i]) <= most));
  const name = `${isSync ? 'sync' : 'async'} ${reduction} of ${length} ${Kind.name}`;
  check(name, got === view && isRight && isWhole(), view);
}

for (const Kind of [Float32Array, Float64Array, Int32Array])
  for (const reduction of ['sum', 'mean', 'min', 'max'])
    for (const length of [0, 1, 7, 20_001])
      await reduced(Kind, reduction, length, length % 2 === 0 || reduction === 'min');
if (process.argv[2] === 'large') {
  await reduced(Float32Array, 'sum', LARGE, true);
  await reduced(Float32Array, 'mean', LARGE, false);
  await reduced(Float64Array, 'min', LARGE / 2, false);
}

const KINDS = [Float32Array, Float64Array, Int32Array, Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array];
for (const [k, Kind] of [...KINDS, BigInt64Array].entries())
  for (const length of [0, 1, 1023]) {
    const root = k % size;
    const of = (r) =>
      Kind.from({ length }, (_, i) => (Kind === BigInt64Array ? BigInt(i) << BigInt(r + 40) : i * 3 + r));
    const { view, isWhole } = within(of(rank));
    const sent = length > 1 ? await mpi.broadcast(view, root) : mpi.broadcastSync(view, root);
    check(`broadcast of ${length} ${Kind.name}`, sent === view && isWhole() && same(view, of(root)), view);
    const mine = within(of(rank)).view;
    const all = length === 1 ? await mpi.allgather(mine) : mpi.allgatherSync(mine);
    const isRight =
      all.length === size * length && ranks.every((r) => same(all.subarray(r * length, (r + 1) * length), of(r)));
    check(`allgather of ${length} ${Kind.name}`, isRight && same(mine, of(rank)), all);
  }

function same(a, b) {
  return a.constructor === b.constructor && Buffer.compare(bytes(a), bytes(b)) === 0;
}

function bytes({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

console.log(JSON.stringify({ rank, size, cases, wrong: wrong.slice(0, 10), digest: digest.digest('hex') }));
await mpi.close();
