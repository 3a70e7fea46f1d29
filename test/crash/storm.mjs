// Works on the datasets of a place for some time, while others do, and says what it begins and what it has done.
// node storm.mjs PLACE ROLE SEED MS STEPS SOURCE FOLDER, for so long and so many steps at least: submit, copy (of SOURCE,
// a place), delete, vacuum, read, or take (a copy to FOLDER, which is read there).
// node storm.mjs PLACE check: reads all that is listed, and accepts no error.
// All records of a dataset have the tag of their submit, which tells how many they are.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDataRefError } from '@dataref/core';
import alea from 'seedrandom/lib/alea.js';
import { storageAt } from './storage-at.mjs';

const [place, role, seed, ms, fewest, source, folder] = process.argv.slice(2);
const random = alea(seed);
const oneOf = (items) => items[Math.floor(random() * items.length)];
const storage = storageAt(place);
const say = (text) => writeSync(1, `${text}\n`);

/** Those of SOURCE come first: their tags are 1 and 2. */
const NAMES = [
  ['y', '1'],
  ['y', '2'],
  ['x', '1'],
  ['x', '2'],
];
const recordOf = (tag, i) => ({
  tag,
  i,
  text: `record ${i} of ${tag}`,
  bytes: new Uint8Array(500).fill((tag + i) & 255),
});
const lengthOf = (tag) => (tag <= 2 ? 300 : 100 + (tag % 200));

function* records(tag) {
  for (let i = 0; i < lengthOf(tag); i++) yield recordOf(tag, i);
}

/** @throws where a record is not the one that a submit gave, or there are more or less of them */
async function readAll(from, id, version) {
  const dataref = await from.fetch(id, version);
  let tag;
  let count = 0;
  for await (const batch of dataref.stream().batch(64)) {
    for (const record of batch.records()) {
      tag ??= record.tag;
      const right = recordOf(tag, count++);
      const isRight = record.tag === tag && record.i === right.i && record.text === right.text;
      if (!isRight || Buffer.compare(record.bytes, right.bytes) !== 0)
        throw new Error(
          `${id}@${version}: record ${right.i} of ${tag} is ${record.i} of ${record.tag}: ${record.text}`,
        );
    }
  }
  if (count !== dataref.length || count !== lengthOf(tag))
    throw new Error(`${id}@${version}: ${count} records of ${tag}`);
}

async function checkWhole(id, version) {
  const { ok, problems } = await storage.verify(id, version);
  if (!ok) throw new Error(`${id}@${version} is damaged: ${problems.map(({ message }) => message).join('; ')}`);
}

async function check() {
  for await (const { id, version } of storage.list()) {
    await checkWhole(id, version);
    await readAll(storage, id, version);
    say(`whole ${id}@${version}`);
  }
}

let tag = Number(seed) % 2 ** 20;
const readers = [storage, storageAt(place, { memoryLimitBytes: 0 })];
const roles = {
  submit: (id, version) => storage.submit(records((tag += 3)), id, version),
  copy: () => storageAt(source).copy(...oneOf(NAMES.slice(0, 2)), storage),
  delete: (id, version) => storage.delete(id, version),
  vacuum: () => storage.vacuum(oneOf([{ graceMs: 0 }, { graceMs: 0 }, { graceMs: 100 }, {}])),
  async read(id, version) {
    for await (const info of storage.list()) if (random() < 0.5) [id, version] = [info.id, info.version];
    if (random() < 0.3) await checkWhole(id, version);
    await readAll(oneOf(readers), id, version);
  },
  async take(id, version) {
    const taken = storageAt(JSON.stringify({ directory: join(folder, String(random()).slice(2)) }));
    await storage.copy(id, version, taken);
    await checkCopy(taken, id, version);
  },
};

async function checkCopy(taken, id, version) {
  try {
    await readAll(taken, id, version);
  } catch (error) {
    throw new Error(`the copy of ${id}@${version} is not whole: ${String(error)}`, { cause: error });
  }
}

if (role === 'check') await check();
else {
  const endMs = performance.now() + Number(ms);
  for (let steps = 0; steps < Number(fewest) || performance.now() < endMs; steps++) {
    const [id, version] = oneOf(NAMES);
    say(`begin ${role} ${id}@${version}`);
    try {
      await roles[role](id, version);
      say(`done ${role}`);
    } catch (error) {
      // What was to be read may be gone by now.
      if (!['read', 'take'].includes(role) || !isDataRefError(error, 'NOT_FOUND', 'GENERATION_GONE')) throw error;
      say(`gone ${error.code}`);
    }
    // Else there would seldom be anything.
    if (role === 'delete') await delay(random() * 1000);
  }
}
process.exit(0);
