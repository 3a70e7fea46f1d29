import { expect, test } from '@jest/globals';
import { randomOf } from '../../packages/core/test/scale.js';
import { randomFaults } from './random-faults.js';

test('faults are the same for the same seed, and of every kind', () => {
  const requests = [
    { method: 'GET', url: '/a', range: 'bytes=0-9' },
    { method: 'PUT', url: '/a', range: undefined },
  ];
  const draw = (): unknown[] => {
    const faultOf = randomFaults(randomOf(3), 0.5);
    return Array.from({ length: 2000 }, (_, i) => faultOf(requests[i % 2] as (typeof requests)[0]));
  };
  const drawn = draw() as ({ kind: string } | undefined)[];
  expect(draw()).toEqual(drawn);
  const kinds = 'status hang-up lose-answer blackhole reset end stall slow short flip cut-upload'.split(' ');
  expect(new Set(drawn.map((fault) => fault?.kind))).toEqual(new Set([...kinds, undefined]));
});
