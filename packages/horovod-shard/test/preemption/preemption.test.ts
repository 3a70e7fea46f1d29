import { expect, test } from '@jest/globals';
import { agree, localCollectives, onPreempt } from '@dataref/horovod-shard';
import { failure } from '../../../core/test/expect-error.js';
import { node } from './node.js';

test('a flag of one rank is the answer of all, at the step at which it was raised', async () => {
  const stops = await Promise.all(
    localCollectives(3).map(async (collective) => {
      for (let step = 0; ; step++) if (await agree(collective, collective.rank === 1 && step === 5)) return step;
    }),
  );
  expect(stops).toEqual([5, 5, 5]);
});

test('a rank that was sent a signal while it computes stops with all others, after one step', async () => {
  const { lines } = await node(
    `const preemption = onPreempt({ signals: ['SIGUSR2'] });
     const steps = await Promise.all(
       localCollectives(3).map(async (collective) => {
         for (let step = 0; ; step++) {
           if (step === 3 && collective.rank === 2) process.kill(process.pid, 'SIGUSR2');
           const isAsked = collective.rank === 2 ? preemption.agree(collective) : agree(collective, false);
           if (await isAsked) return step;
         }
       }),
     );
     console.log(steps.every((step) => step === steps[0] && step >= 3), preemption.asked);`,
  );
  expect(lines).toEqual(['true SIGUSR2']);
});

test.each([
  ['SIGTERM', 'SIGTERM', 'SIGTERM'],
  ['SIGUSR2', 'SIGUSR2', 'SIGUSR2'],
])('the first %s is noted, and a second one ends the process as if nobody listened', async (first, second, ending) => {
  const { lines, signal } = await node(
    `const preemption = onPreempt({ signals: ['SIGTERM', 'SIGUSR2'] });
     process.kill(process.pid, '${first}');
     while (preemption.asked === undefined) await new Promise(setImmediate);
     console.log(preemption.asked);
     process.kill(process.pid, '${second}');
     await new Promise((resolve) => setTimeout(resolve, 30_000));`,
  );
  expect({ lines, signal }).toEqual({ lines: [first], signal: ending });
});

test('a second signal of another kind, as SLURM sends at the limit, does not end what is stopping', async () => {
  const { lines, code } = await node(
    `const preemption = onPreempt();
     for (const signal of ['SIGUSR1', 'SIGTERM']) {
       process.once(signal, () => console.log(signal));
       process.kill(process.pid, signal);
     }
     for (let i = 0; i < 100; i++) await new Promise(setImmediate);
     console.log('asked by', preemption.asked);`,
  );
  expect({ lines: lines.sort(), code }).toEqual({ lines: ['SIGTERM', 'SIGUSR1', 'asked by SIGTERM'], code: 0 });
});

test('after close a signal does what it did before, and nothing keeps the process', async () => {
  const closed = await node(
    `const preemption = onPreempt();
     preemption.close();
     preemption.close();
     process.kill(process.pid, 'SIGTERM');
     await new Promise((resolve) => setTimeout(resolve, 30_000));`,
  );
  expect(closed).toMatchObject({ lines: [], signal: 'SIGTERM' });
  expect(await node('onPreempt();')).toMatchObject({ code: 0, signal: null });
});

test('what is no signal, or one that cannot be heard, is refused', () => {
  expect(() => onPreempt({ signals: ['SIGKILL'] })).toThrow(failure('INVALID_ARGUMENT', /onPreempt.*SIGKILL/u));
  expect(() => onPreempt({ signals: ['TERM' as 'SIGTERM'] })).toThrow(failure('INVALID_ARGUMENT', /"TERM"/u));
  expect(() => onPreempt({ signal: 'SIGTERM' } as object)).toThrow(failure('INVALID_ARGUMENT', /there are signals/u));
});
