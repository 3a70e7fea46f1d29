// Gives what crosses threads, or does not, beside what the record holds: for tests of worker threads.
class Point {
  x = 1;
}
class Names extends Map {}

export default function carrying(record, { index }) {
  const list = [index];
  const cycle = { index };
  cycle.self = cycle;
  const made = {
    date: new Date(86_400_000 * index),
    map: new Map([['day', { at: new Date(index), numbers: Int16Array.of(index) }]]),
    set: new Set([index, 'x']),
    bytes: new Uint8Array([index, 2]).buffer,
    view: new DataView(new Uint8Array([1, index, 3]).buffer, 1, 1),
    pattern: /a+/giu,
    error: new RangeError(`no ${index}`),
    big: 2n ** 70n,
    nothing: [undefined, null, NaN, -0],
    holes: [1, , 3], // oxlint-disable-line no-sparse-arrays -- they cross threads
    twice: [list, list],
    cycle,
    ['__proto__']: { index },
    given: record,
  };
  if (index === 2 && record.bad === 'class') made.point = new Point();
  if (index === 2 && record.bad === 'subclass') made.names = [new Names()];
  if (index === 2 && record.bad === 'promise') made.later = Promise.resolve(1);
  return made;
}
