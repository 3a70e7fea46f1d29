// Functions that tests send.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { suffix } from './suffix.mjs';

export const double = ({ n, text }) => ({ n: n * 2, text: `${text}${suffix}` });
/** As `double`, slow enough to be killed meanwhile. */
export async function unhurried(record) {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return double(record);
}
export const add = (a, b = 0) => a + b;
export default (record) => record;
export const notAFunction = 1;

/** Ragged: as many numbers as the record's own. */
export const upTo = ({ n }) => ({ ids: Int32Array.from({ length: n % 5 }, (_, i) => i) });

/** Of a batch, with an argument; tells how large the batch was. */
export const scale = ({ length, columns }, factor) => ({
  scaled: columns.n.data.map((n) => n * factor),
  size: Int32Array.from({ length }, () => length),
});

/** Fewer rows than it is given. */
export const evens = ({ columns }) => ({ n: columns.n.data.filter((n) => n % 2 === 0) });

export function failing({ n }) {
  if (n === 137) throw new RangeError('no 137, please');
  return { n };
}

export const failingBatch = ({ columns }) => {
  if (columns.n.data.includes(137)) throw new RangeError('no 137, please');
  return { n: columns.n.data };
};

export const changing = ({ n }) => (n < 150 ? { n } : { n: String(n) });
export const empty = ({ n }) => (n === 70 ? undefined : { n });

export const thrown = () => {
  throw new TypeError('thrown far away');
};
/** What makes no text. */
export const thrownOdd = (isCause) => {
  const odd = Object.create(null);
  throw isCause ? new Error('odd', { cause: odd }) : odd;
};
export const unsendable = () => () => 1;
export const environment = (name) => process.env[name];
export const exits = () => process.exit(3);

/** Ends its worker. */
export const dies = () =>
  new Promise(() =>
    setTimeout(() => {
      throw new Error('out of nowhere');
    }),
  );

export const large = (length, value) => new Uint8Array(length).fill(value);
export const sizeOf = (bytes) => [bytes.length, bytes[bytes.length - 1]];
/** As what is too large for a buffer is, without being so large. */
export const tooLarge = () => ({
  get all() {
    throw Object.assign(new Error('Cannot create a Buffer larger than 0x100000000 bytes'), {
      code: 'ERR_BUFFER_TOO_LARGE',
    });
  },
});

export function fills() {
  const kept = [];
  for (;;) kept.push(new Array(1e5).fill(0.5)); // nothing in it to be marked, which is slow
}

/** Says so in a file each time that it is called, and waits for ever. */
export const never = (log) => {
  appendFileSync(log, 'called\n');
  return new Promise(() => undefined);
};

/** Says so, and never gives way. */
export function blocks(log) {
  appendFileSync(log, 'called\n');
  for (;;);
}

/** Says so, and waits for a program that does not end, without giving way. */
export function blocksByProgram(log) {
  appendFileSync(log, 'called\n');
  execFileSync('sleep', ['1000']);
}

/** Says so, and waits for such a program. */
export async function waitsForProgram(log) {
  appendFileSync(log, 'called\n');
  await promisify(execFile)('sleep', ['1000']);
}

/** Is killed, and leaves a program that prints where it printed. */
export function killedBesideProgram() {
  spawn('sleep', ['1000'], { stdio: 'inherit' });
  process.kill(process.pid, 'SIGKILL');
}

/** What there is to read for it, and for programs that it starts. */
export const reads = () =>
  readFileSync(0, 'utf8') + execFileSync('cat', { stdio: ['inherit', 'pipe'], encoding: 'utf8' });

/** Writes down each call in the order of calls. */
export async function logged(value, log) {
  appendFileSync(log, `begin ${value}\n`);
  await new Promise((resolve) => setImmediate(resolve));
  appendFileSync(log, `end ${value}\n`);
  return value;
}

/** Counts its calls in a file. */
export const counted = ({ n }, log) => {
  appendFileSync(log, '.');
  return { n: n + 1 };
};

export function printing() {
  console.log('{"kind":"answer","bytes":""}');
  execFileSync('printf', ['a program printed half a line'], { stdio: 'inherit' });
  return 'printed';
}

/** Is killed as by the system. */
export const killed = () => process.kill(process.pid, 'SIGKILL');

/** Of several calls at once, the last ends who has started their workers, when the others are done; called again, it is done. */
export async function killsLauncherOnce(log, isLast) {
  if (!isLast) return new Promise((resolve) => setTimeout(resolve, 700, true));
  if (readFileSync(log, 'utf8') !== '') return readFileSync(log, 'utf8') !== String(process.ppid);
  writeFileSync(log, String(process.ppid));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  process.kill(process.ppid, 'SIGKILL');
  return new Promise(() => undefined);
}
