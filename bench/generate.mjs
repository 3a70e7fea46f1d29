import fs from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * Writes a workload's raw files below `folder`, the same bytes on every machine: x.bin, and y.bin (int64) where there
 * are labels, and off.bin (int64, records + 1) where records vary in size. Does nothing where they are there already.
 */
export function generate(workload, folder) {
  const done = join(folder, 'done');
  if (fs.existsSync(done)) return;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const random = generator(workload.name);
  if (workload.name !== 'w3')
    fs.writeFileSync(join(folder, 'y.bin'), BigInt64Array.from(count(workload.records), BigInt));
  fs.writeFileSync(join(folder, 'x.bin'), '');
  FILL[workload.name](workload, folder, random);
  fs.writeFileSync(done, '');
}

const FILL = {
  /** Four pixels of five are 0, as in MNIST. */
  w1({ records, recordBytes }, folder, random) {
    appendBytes(folder, records * recordBytes, (chunk) => {
      for (let i = 0; i < chunk.length; i++) {
        const r = random();
        chunk[i] = (r & 255) < 49 ? r >>> 8 : 0;
      }
    });
  },
  w2({ records, least, most }, folder, random) {
    const offsets = new BigInt64Array(records + 1);
    for (let i = 0; i < records; i++)
      offsets[i + 1] = offsets[i] + BigInt(least + ((random() >>> 0) % (most - least + 1)));
    fs.writeFileSync(join(folder, 'off.bin'), offsets);
    appendBytes(folder, Number(offsets[records]), (chunk) => {
      for (let i = 0; i < chunk.length; i++) chunk[i] = random();
    });
  },
  /** Windows that overlap by one token, laid out one after another as they are stored. */
  w3({ records, stride, shape: [window] }, folder, random) {
    const tokens = Uint16Array.from({ length: records * stride + 1 }, () => (random() >>> 0) % 50_257);
    for (let i = 0; i < records; i++) {
      tokens[i * stride] = i & 0xffff;
      tokens[i * stride + 1] = i >>> 16;
    }
    const windows = new Uint16Array(records * window);
    for (let i = 0; i < records; i++) windows.set(tokens.subarray(i * stride, i * stride + window), i * window);
    fs.writeFileSync(join(folder, 'x.bin'), windows);
  },
  w4({ records, recordBytes }, folder, random) {
    appendBytes(folder, records * recordBytes, (chunk) => {
      const floats = new Float32Array(chunk.buffer, 0, chunk.length / 4);
      for (let i = 0; i < floats.length; i++) floats[i] = random() / 2 ** 31;
    });
  },
};

function appendBytes(folder, byteLength, fill) {
  const file = fs.openSync(join(folder, 'x.bin'), 'a');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let done = 0; done < byteLength; done += chunk.length) {
    const piece = chunk.subarray(0, Math.min(chunk.length, byteLength - done));
    fill(piece);
    for (let at = 0; at < piece.length;) at += fs.writeSync(file, piece, at);
  }
  fs.closeSync(file);
}

const count = (length) => Array.from({ length }, (_, i) => i);

/** Signed 32-bit numbers. @see Marsaglia, "Xorshift RNGs" (2003) */
function generator(name) {
  let state = 0x9e3779b9 ^ name.charCodeAt(1);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
