import { field } from '@dataref/core';
import { digits } from './digits.mjs';

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** A map that takes its time, and tells when it was done. */
export default () =>
  digits
    .stream()
    .map(
      ({ label }) => {
        Atomics.wait(sleeper, 0, 0, 20);
        return { label, doneAt: Date.now() };
      },
      { schema: { label: field('int32'), doneAt: field('float64') } },
    )
    .batch(1);
