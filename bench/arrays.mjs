// Chunked arrays against zarr-python and bare zarrita: node bench/run.mjs --only arrays. Lines of JSON; see README.md.
import fs from 'node:fs';
import { join } from 'node:path';
import { openArrays } from '@dataref/arrays';
import { FileStorage } from '@dataref/core/fs';
import { ARRAYS, CHUNKS_OF_SLICE, CODECS, valuesOf } from './arrays-workloads.mjs';
import { contest, ratio } from './contest.mjs';
import { round } from './statistics.mjs';

const [folder, python, rounds, only] = process.argv.slice(2);
const print = (line) => console.log(JSON.stringify({ workload: 'arrays', ...line }));
const contestant = (file) => join(import.meta.dirname, 'contestants', file);
/** Bare zarrita has no gzip to write with; it makes no checksums, and does not look at those that it reads. */
const ZARRITA_WRITES = CODECS.filter((codec) => codec !== 'gzip');
const summary = [];

fs.mkdirSync(folder, { recursive: true });
const arrays = openArrays(new FileStorage(folder));
for (const name of Object.keys(ARRAYS)) {
  for (const operation of ['read', 'write']) {
    if (!isWanted(name, operation)) continue;
    for (const codec of CODECS) await measure(name, codec, operation);
  }
  if (!isWanted(name, 'streams')) continue;
  for (const codec of ['none', 'zstd']) await measureStreams(name, codec);
}
for (const line of summary) print(line);

/** Some of it alone: `photos-read`, `digits-streams`. */
function isWanted(name, what) {
  return only === undefined || only === `${name}-${what}`;
}

async function makeArray(name, path, codec, values, checksum = true) {
  const { shape, chunk } = ARRAYS[name];
  const options = { shape, chunk, dtype: 'uint8', compress: codec, checksum, ifExists: 'replace' };
  const array = await arrays.array(path, options);
  if (values !== undefined) await array.set([], values);
  return array;
}

async function measure(name, codec, operation) {
  const values = valuesOf(name, folder);
  const players = [];
  for (const library of ['ours', 'zarr-python', 'zarrita']) {
    if (library === 'zarrita' && operation === 'write' && !ZARRITA_WRITES.includes(codec)) continue;
    const path = operation === 'read' ? `${name}-${codec}` : `${name}-${codec}-${library}`;
    if (operation === 'write') await makeArray(name, path, codec, undefined, library !== 'zarrita');
    else if (library === 'ours') await makeArray(name, path, codec, values);
    const rows = CHUNKS_OF_SLICE * ARRAYS[name].chunk[0];
    const args = [operation, join(folder, `${name}.raw`), join(folder, 'arrays%', path), rows];
    players.push(
      library === 'zarr-python'
        ? { name: library, command: python, args: ['-W', 'ignore', contestant('arrays_zarr.py'), ...args] }
        : {
            name: library,
            command: process.execPath,
            args: [contestant('arrays.mjs'), library, operation, folder, name, path],
          },
    );
  }
  const results = await contest(players, rounds);
  const others = [...results.keys()].filter((library) => library !== 'ours');
  for (const [library, { seconds, peakMemoryBytes }] of results)
    print({
      array: name,
      codec,
      mode: `${operation} ${library}`,
      bytesPerS: Math.round(values.length / seconds),
      peakMemoryBytes,
    });
  const against = others.map((other) => [other, round(ratio(results.get('ours'), results.get(other)), 2)]);
  summary.push({
    array: name,
    codec,
    what: `${operation} in slices, times the speed of`,
    ...Object.fromEntries(against),
    ...(operation === 'read' && { target: 1 }),
  });
}

async function measureStreams(name, codec) {
  const x = await makeArray(name, `${name}-${codec}`, codec, valuesOf(name, folder));
  const [length] = ARRAYS[name].shape;
  const number = await arrays.array(`${name}-numbers`, {
    shape: [length],
    chunk: [1000],
    dtype: 'int32',
    ifExists: 'replace',
  });
  await number.set(
    [],
    Int32Array.from({ length }, (_, i) => i),
  );
  const path = `${name}-${codec}-records`;
  await arrays.dataset(path, { x, number }, { ifExists: 'replace' });
  const players = ['batches', 'records'].flatMap((size) =>
    ['sequential', 'shuffled'].map((order) => ({
      name: `${order} ${size}`,
      command: process.execPath,
      args: [contestant('arrays.mjs'), 'ours', `${order} ${size}`, folder, name, path],
    })),
  );
  const results = await contest(players, rounds);
  for (const [mode, { seconds, peakMemoryBytes }] of results)
    print({ array: name, codec, mode, recordsPerS: Math.round(length / seconds), peakMemoryBytes });
  for (const size of ['batches', 'records']) {
    const value = ratio(results.get(`sequential ${size}`), results.get(`shuffled ${size}`));
    summary.push({
      array: name,
      codec,
      what: `a shuffled stream of ${size}, times the time of a sequential one`,
      ratio: round(value, 2),
      target: 1.5,
    });
  }
}
