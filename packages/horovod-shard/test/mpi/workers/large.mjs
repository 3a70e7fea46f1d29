// Arrays of 25 MB and more, of odd lengths, against exact results: sums of whole numbers, which floats hold.
import { openMpi } from '@dataref/horovod-shard/mpi';

const LENGTH = 6_553_601; // 25 MB of float32, and one
const mpi = await openMpi();
const { rank, size } = mpi;
const wrong = [];

const whole = (r, i) => ((i * 31 + r * 977) % 2027) - 1013;
/** For min and max: with NaN and zeros of both signs, each of other ranks. */
const any = (r, i) => (i % 1000 === r ? NaN : i % 1000 === 500 + r ? -0 : i % 7 === 0 ? 0 : whole(r, i));

function filled(Kind, length, of) {
  const values = new Kind(length + 2).subarray(1, length + 1);
  for (let i = 0; i < length; i++) values[i] = of(i);
  return values;
}

/** @param expected of a position */
function check(what, got, expected) {
  let i = 0;
  while (i < got.length && Object.is(got[i], expected(i))) i++;
  if (i < got.length) wrong.push(`${what}: [${i}] is ${got[i]}, not ${expected(i)}`);
}

function sumAt(i) {
  let sum = 0;
  for (let r = 0; r < size; r++) sum += whole(r, i);
  return sum;
}

function extremeAt(i, choose, of) {
  let extreme = of(0, i);
  for (let r = 1; r < size; r++) extreme = choose(extreme, of(r, i));
  return extreme;
}

const expectedOf = {
  Float32Array: { mean: (i) => Math.fround(sumAt(i) / size), from: any },
  Float64Array: { mean: (i) => sumAt(i) / size, from: any },
  Int32Array: { mean: (i) => Math.trunc(sumAt(i) / size) | 0, from: whole },
};

for (const Kind of [Float32Array, Float64Array, Int32Array])
  for (const reduction of ['sum', 'mean', 'min', 'max']) {
    const { mean, from } = expectedOf[Kind.name];
    const isExtreme = reduction === 'min' || reduction === 'max';
    const values = filled(Kind, LENGTH, (i) => (isExtreme ? from : whole)(rank, i));
    const got = reduction === 'min' ? mpi.allreduceSync(values, reduction) : await mpi.allreduce(values, reduction);
    const choose = reduction === 'min' ? (a, b) => Math.min(a, b) : (a, b) => Math.max(a, b);
    const extreme = (i) => extremeAt(i, choose, from);
    check(`${reduction} of ${Kind.name}`, got, isExtreme ? extreme : reduction === 'mean' ? mean : sumAt);
  }

for (const Kind of [Float32Array, Float64Array, Int32Array]) {
  const root = size - 1;
  const sent = await mpi.broadcast(
    filled(Kind, LENGTH, (i) => whole(rank, i)),
    root,
  );
  check(`broadcast of ${Kind.name}`, sent, (i) => whole(root, i));
  const part = Math.floor(LENGTH / 3);
  const all = await mpi.allgather(filled(Kind, part, (i) => whole(rank, i)));
  if (all.length !== size * part) wrong.push(`allgather of ${Kind.name}: ${all.length} values`);
  check(`allgather of ${Kind.name}`, all, (i) => whole(Math.floor(i / part), i % part));
}

console.log(JSON.stringify({ rank, size, wrong }));
await mpi.close();
