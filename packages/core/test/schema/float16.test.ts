import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { float16ToNumber, numberToFloat16 } from '../../dist/schema/float16.js';

const golden = JSON.parse(readFileSync(new URL('golden/float16.json', import.meta.url), 'utf8')) as {
  readonly numpy: string;
  readonly numbersSha256: string;
  readonly values: readonly string[];
  readonly bits: readonly number[];
};

test(`every binary16 is the number that numpy ${golden.numpy} makes of it`, () => {
  const numbers = Array.from({ length: 2 ** 16 }, (_, bits) => float16ToNumber(bits)).filter((x) => !Number.isNaN(x));
  const view = new DataView(new ArrayBuffer(8 * numbers.length));
  numbers.forEach((number, i) => view.setFloat64(8 * i, number, true));
  expect(createHash('sha256').update(view).digest('hex')).toBe(golden.numbersSha256);
  expect(float16ToNumber(0x7e00)).toBeNaN();
});

test(`numbers round to the binary16 that numpy ${golden.numpy} rounds them to, ties to even`, () => {
  expect(golden.values.length).toBeGreaterThan(500);
  const values = golden.values.map((hex) => Buffer.from(hex, 'hex').readDoubleBE());
  const shown = (bits: readonly number[]): [number, number][] => values.map((value, i) => [value, bits[i] as number]);
  expect(shown(values.map(numberToFloat16))).toEqual(shown(golden.bits));
});

test('every binary16 comes back from its number', () => {
  const changed = Array.from({ length: 2 ** 16 }, (_, bits) => bits).filter((bits) => {
    const number = float16ToNumber(bits);
    return !Number.isNaN(number) && numberToFloat16(number) !== bits;
  });
  expect(changed).toEqual([]);
  expect(float16ToNumber(numberToFloat16(NaN))).toBeNaN();
});
