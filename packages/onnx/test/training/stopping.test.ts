import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as ort from 'onnxruntime-node';
import { fromColumns } from '@dataref/core';
import { loadCheckpoint } from '@dataref/onnx/pure';
import { bitsOf, loopOf, mlp, openSession, points, stepsOf } from './points.js';

let session: ort.InferenceSession;
beforeAll(async () => {
  session = await openSession(mlp);
});
afterAll(() => session.release());

const { schema } = points.stream();
const reason = new Error('enough');

/** A session that counts the runs that have begun and ended. */
function counted() {
  const runs = { begun: 0, ended: 0 };
  const { inputMetadata, outputMetadata } = session;
  const run = async (...args: Parameters<ort.InferenceSession['run']>) => {
    runs.begun++;
    try {
      return await session.run(...args);
    } finally {
      runs.ended++;
    }
  };
  return { runs, session: { inputMetadata, outputMetadata, run: run as ort.InferenceSession['run'] } };
}

describe('an abort ends the loop with its reason, and leaves no run', () => {
  test('before the first step', async () => {
    const { runs, session: own } = counted();
    await expect(stepsOf(loopOf(own, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(runs.begun).toBe(0);
  });

  test('between steps: the state stays that of the last one', async () => {
    const { runs, session: own } = counted();
    const aborter = new AbortController();
    const loop = loopOf(own, { signal: aborter.signal });
    const seen: number[] = [];
    const train = async (): Promise<void> => {
      for await (const { step } of loop) {
        seen.push(step);
        if (step === 3) aborter.abort(reason);
      }
    };
    await expect(train()).rejects.toBe(reason);
    expect(seen).toEqual([1, 2, 3]);
    expect(runs).toEqual({ begun: 3, ended: 3 });
    expect(loop.step).toBe(3);
    const three = loopOf(session, { steps: 3 });
    await stepsOf(three);
    expect(bitsOf(loop.parameters())).toEqual(bitsOf(three.parameters()));
    expect(loop.state).toEqual(three.state);
  });

  test('during a run, which is waited for', async () => {
    const { runs, session: own } = counted();
    const aborter = new AbortController();
    const run = (...args: Parameters<typeof own.run>) => {
      const running = own.run(...args);
      if (runs.begun === 4) aborter.abort(reason);
      return running;
    };
    const loop = loopOf({ ...own, run: run as typeof own.run }, { signal: aborter.signal });
    await expect(stepsOf(loop)).rejects.toBe(reason);
    expect(runs).toEqual({ begun: 4, ended: 4 });
    expect(loop.step).toBe(4);
  });

  test('during a run that never ends, which is left behind: the state is that of the step before it', async () => {
    const aborter = new AbortController();
    const { runs, session: own } = counted();
    const run = (...args: Parameters<typeof own.run>) => {
      if (runs.ended < 3) return own.run(...args);
      aborter.abort(reason);
      return new Promise<never>(() => undefined);
    };
    const loop = loopOf({ ...own, run: run as typeof own.run }, { signal: aborter.signal });
    await expect(stepsOf(loop)).rejects.toBe(reason);
    expect(loop.step).toBe(3);
    const three = loopOf(session, { steps: 3 });
    await stepsOf(three);
    expect(bitsOf(loop.parameters())).toEqual(bitsOf(three.parameters()));
    expect(loop.state).toEqual(three.state);
  });

  test('while data is waited for that never comes', async () => {
    const aborter = new AbortController();
    const { runs, session: own } = counted();
    const stuck = points
      .stream()
      .map(
        async (record, { position }) => {
          if (position === 12) {
            setTimeout(() => aborter.abort(reason), 10);
            await new Promise(() => undefined);
          }
          return record;
        },
        { schema },
      )
      .batch(4);
    const loop = loopOf(own, { stream: stuck, signal: aborter.signal });
    await expect(stepsOf(loop)).rejects.toBe(reason);
    expect(runs).toEqual({ begun: 3, ended: 3 });
  });
});

test('a signal while data is waited for that never comes saves what was learned, and ends the loop', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataref-onnx-'));
  const path = join(folder, 'run.ckpt');
  const stuck = points
    .stream()
    .map(
      async (record, { position }) => {
        if (position !== 12) return record;
        setTimeout(() => process.emit('SIGUSR2', 'SIGUSR2'), 10);
        return new Promise<never>(() => undefined);
      },
      { schema },
    )
    .batch(4);
  const loop = loopOf(session, {
    stream: stuck,
    checkpoint: { path, model: mlp.trainingGraph, signals: ['SIGUSR2'] },
  });
  expect(await stepsOf(loop)).toHaveLength(3);
  expect(loop.stoppedBy).toBe('SIGUSR2');
  expect(await loadCheckpoint(path)).toMatchObject({ step: 3, state: loop.state });
  rmSync(folder, { recursive: true });
});

test('a record that cannot be read ends the loop; entered again it goes on at that record', async () => {
  let isBroken = true;
  const stream = points
    .stream()
    .map(
      (record, { position }) => {
        if (position === 20 && isBroken) throw new Error('unreadable');
        return record;
      },
      { schema },
    )
    .batch(4);
  const loop = loopOf(session, { stream, epochs: 1 });
  await expect(stepsOf(loop)).rejects.toMatchObject({ code: 'MAP_FAILED' });
  expect(loop.step).toBe(5);
  isBroken = false;
  expect((await stepsOf(loop)).map(({ step }) => step)).toEqual([6, 7, 8, 9, 10, 11, 12, 13]);
});

test.each([3, -1])(
  'the label %i, which is no class, ends the loop before anything is learned from it',
  async (label) => {
    const { x, y } = (await points.read([0, 1, 2, 3])).columns;
    const labels = fromColumns({ x, y: Int32Array.of(...y.data.slice(0, 3), label) });
    const loop = loopOf(session, { stream: labels.stream().batch(2) });
    await expect(stepsOf(loop)).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      message: expect.stringContaining('step 2 was given a label that is no class'),
      details: { step: 1 },
    });
    expect(loop.step).toBe(1);
  },
);

test('a session that is released under the loop ends it, and what was learned is kept', async () => {
  const own = await openSession(mlp);
  const loop = loopOf(own);
  const train = async (): Promise<void> => {
    for await (const { step } of loop) if (step === 5) await own.release();
  };
  await expect(train()).rejects.toMatchObject({
    code: 'USE_AFTER_RELEASE',
    message: expect.stringContaining('before step 6'),
    details: { step: 5 },
  });
  const five = loopOf(session, { steps: 5 });
  await stepsOf(five);
  expect(bitsOf(loop.parameters())).toEqual(bitsOf(five.parameters()));
});

test('an error of the runtime passes, and the state stays that of the last step', async () => {
  const error = new Error('no memory');
  let count = 0;
  const run = (...args: Parameters<typeof session.run>) =>
    ++count === 3 ? Promise.reject(error) : session.run(...args);
  const { inputMetadata, outputMetadata } = session;
  const loop = loopOf({ inputMetadata, outputMetadata, run: run as typeof session.run }, { steps: 6 });
  await expect(stepsOf(loop)).rejects.toBe(error);
  expect(loop.step).toBe(2);
  expect((await stepsOf(loop)).map(({ step }) => step)).toEqual([3, 4, 5, 6]);
  const six = loopOf(session, { steps: 6 });
  await stepsOf(six);
  expect(bitsOf(loop.parameters())).toEqual(bitsOf(six.parameters()));
});
