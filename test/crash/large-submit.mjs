// node large-submit.mjs FOLDER MEGABYTES [abort]: submits so many 2^20 bytes from a generator, and says how it went.
import { readFileSync } from 'node:fs';
import { FileStorage } from '@dataref/core/fs';

const [folder, megabytes, abort] = process.argv.slice(2);
const total = Number(megabytes) * 64;
const controller = new AbortController();
const reports = [];
let returned = 0;

function* images() {
  let isDone = false;
  try {
    const image = { dtype: 'uint8', shape: [128, 128], data: new Uint8Array(16_384) };
    for (let label = 0; label < total; label++) {
      image.data.fill(label & 255);
      if (abort !== undefined && label === Math.floor(total / 2)) controller.abort(new Error('enough'));
      yield { image, label, name: `image ${label}` };
    }
    isDone = true;
  } finally {
    if (!isDone) returned++;
  }
}

const storage = new FileStorage(folder);
const peak = () => Number(/VmHWM:\s+(\d+)/u.exec(readFileSync('/proc/self/status', 'latin1'))[1]) / 1024;
await storage.submit(
  [{ image: { dtype: 'uint8', shape: [128, 128], data: new Uint8Array(16_384) }, label: 0, name: '' }],
  'x',
  '0',
);
const startMegabytes = peak();
let error;
const options = { signal: controller.signal, onProgress: (progress) => reports.push(progress) };
await storage.submit(images(), 'x', '1', options).catch((reason) => (error = reason));
const { done, unit, phase } = reports.at(-1);
const isSteady = reports.every((report, i) => i === 0 || report.done >= reports[i - 1].done);
console.log(
  JSON.stringify({
    error: error?.message,
    returned,
    isSteady,
    last: { done, unit, phase },
    reports: reports.length,
    startMegabytes,
    peakMegabytes: peak(),
  }),
);
