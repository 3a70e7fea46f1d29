// Works on dataset x@1 until it is killed or has done what it was asked, and says what it begins and what it has done.
// node worker.mjs FOLDER FIRST_TAG STEPS RECORDS SEED ACTION…: takes one of the actions at random for each step.
import { writeSync } from 'node:fs';
import { isDataRefError } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import alea from 'seedrandom/lib/alea.js';

const [folder, firstTag, steps, records, seed, ...actions] = process.argv.slice(2);
const storage = new FileStorage(folder);
const random = alea(seed);
const say = (text) => writeSync(1, `${text}\n`);

/** Every record says which submit it is of. */
function* tagged(tag) {
  const bytes = new Uint8Array(500);
  for (let i = 0; i < Number(records); i++) {
    bytes.fill((tag + i) & 255);
    yield { tag, i, text: `record ${i} of ${tag}`, bytes };
  }
}

/** Streams all of the dataset, whatever others do to it: one submit's records, whole, or a refusal. */
async function read() {
  try {
    const dataref = await storage.fetch('x', '1');
    let tag;
    let count = 0;
    for await (const batch of dataref.stream().batch(100)) {
      for (const record of batch.records()) {
        tag ??= record.tag;
        const { bytes } = record;
        const isRight = record.tag === tag && record.i === count && record.text === `record ${count} of ${tag}`;
        if (!isRight || bytes.length !== 500 || bytes.some((byte) => byte !== ((tag + count) & 255)))
          throw new Error(`a mixture: record ${count} of ${tag} is ${JSON.stringify(record)}`);
        count++;
      }
    }
    if (count !== dataref.length || count !== Number(records)) throw new Error(`${count} records of ${records}`);
  } catch (error) {
    if (!isDataRefError(error, 'NOT_FOUND', 'GENERATION_GONE')) throw error;
  }
}

let tag = Number(firstTag);
for (let step = 0; step < Number(steps); step++) {
  const action = actions[Math.floor(random() * actions.length)];
  const what = action === 'submit' ? `submit ${++tag}` : action;
  say(`begin ${what}`);
  if (action === 'submit') await storage.submit(tagged(tag), 'x', '1');
  else if (action === 'delete') await storage.delete('x', '1');
  else if (action === 'vacuum') await storage.vacuum({ graceMs: 0 });
  else if (action === 'read') await read();
  else throw new Error(`no such action: ${action}`);
  say(`done ${what}`);
}
