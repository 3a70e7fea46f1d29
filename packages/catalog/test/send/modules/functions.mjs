// Functions that tests send.
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { suffix } from './suffix.mjs';

export const double = ({ n, text }) => ({ n: n * 2, text: `${text}${suffix}` });
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

export function fills() {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 1e5 }, (_, i) => ({ i })));
}

/** Says so in a file each time that it is called, and waits for ever. */
export const never = (log) => {
  appendFileSync(log, 'called\n');
  return new Promise(() => undefined);
};

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
