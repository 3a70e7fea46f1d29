import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { input, modelOf } from './tiny-model.js';

const session = modelOf([input('label', 'int32', ['N'])]);

test.each([
  ['null', 'throw null'],
  ['an object that is no text', 'throw Object.create(null)'],
  ['a symbol for a message', 'throw Object.assign(new Error(), { message: Symbol("s") })'],
  ['a message that cannot be read', 'throw Object.defineProperty(new Error(), "message", { get() { throw 1 } })'],
])('a module that throws %s is refused by name', async (_what, text) => {
  const module = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  await expect(toOrtFeeds(module, { session, ort })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('could not make its stream'),
  });
});

test.each([
  ['at its top', 'await new Promise(() => undefined)'],
  ['in its default export', 'export default () => new Promise(() => undefined)'],
  ['in its default export, later', 'export default async () => { await null; await new Promise(() => undefined) }'],
])('a module that waits %s for what nothing will settle is refused by name', async (_what, text) => {
  const module = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  await expect(toOrtFeeds(module, { session, ort })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('waits for a promise that nothing will settle'),
    details: { module: module.href },
  });
});

test('a module that does something for ever and makes no stream is ended by the signal', async () => {
  const text = 'setInterval(() => undefined, 1000); await new Promise(() => undefined)';
  const module = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const aborter = new AbortController();
  const opening = toOrtFeeds(module, { session, ort, signal: aborter.signal });
  const reason = new Error('enough');
  aborter.abort(reason);
  await expect(opening).rejects.toBe(reason);
  const aborted = AbortSignal.abort(reason);
  await expect(toOrtFeeds(module, { session, ort, signal: aborted })).rejects.toBe(reason);
});

test('a module that takes its time makes its stream', async () => {
  const waits = 'await new Promise((resolve) => setTimeout(resolve, 50));';
  const text = `${waits} const { default: make } = await import(${JSON.stringify(new URL('./modules/digits.mjs', import.meta.url).href)});
    export default async () => { ${waits} return make(); }`;
  const feeds = await toOrtFeeds(new URL(`data:text/javascript,${encodeURIComponent(text)}`), { session, ort });
  let rows = 0;
  for await (const { length } of feeds) rows += length;
  expect(rows).toBe(22);
  await feeds.close();
});

test.each([
  ['that is a module', '--input-type=module'],
  ['with options of V8', '--max-old-space-size=512'],
])('a program of the command line %s has worker threads too, and ends by itself', async (_, option) => {
  const text = `(async () => {
    const ort = await import('onnxruntime-node');
    const { toOrtFeeds } = await import('@dataref/onnx/pure');
    const session = { inputMetadata: [{ name: 'label', isTensor: true, type: 'int32', shape: ['N'] }] };
    const module = new URL(${JSON.stringify(new URL('./modules/digits.mjs', import.meta.url).href)});
    let rows = 0;
    for await (const { length } of await toOrtFeeds(module, { session, ort })) rows += length;
    console.log(rows);
  })()`;
  const { stdout } = await promisify(execFile)(process.execPath, [option, '-e', text], {
    cwd: import.meta.dirname,
  });
  expect(stdout).toBe('22\n');
});
