import { mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runElastic } from '@dataref/horovod-shard/elastic';
import { Driver } from './driver.js';
import { expectTrained } from './training.js';

let folder = '';
let driver: Driver | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-elastic-'));
});
afterEach(() => {
  driver?.kill();
  driver = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test('a worker is killed: the rest go on from the checkpoint in the smaller world, and see each record once', async () => {
  driver = new Driver(folder, { DIE: '3:7' });
  await driver.run({ a: 3, b: 1 });
  expect(driver.output).toContain('[a:2] rank 2 of 3 from step 6');
  expect(Object.fromEntries(driver.ends)).toEqual({ 'a:0': 0, 'a:1': 0, 'a:2': 0, 'b:0': 'SIGKILL' });
  await expectTrained(folder);
});

test('rank 0 is killed: another one takes its place; and a worker for which there is none ends in good order', async () => {
  driver = new Driver(folder, { DIE: '0:7' });
  await driver.run({ a: 2, b: 2 });
  expect(driver.output).toContain('[b:0] rank 0 of 2 from step 6');
  expect(driver.output).toContain('[a:1] ends: removed');
  expect(Object.fromEntries(driver.ends)).toEqual({ 'a:0': 'SIGKILL', 'a:1': 0, 'b:0': 0, 'b:1': 0 });
  await expectTrained(folder);
});

test('hosts are added: all ranks stop at one step, and go on from there in the larger world', async () => {
  driver = new Driver(folder, { GROW: '7;b:2' });
  const grown = watch(folder, (_, name) => {
    if (name === 'hosts') void driver?.change({ a: 1, b: 2 });
  });
  await driver.run({ a: 1 });
  grown.close();
  expect(driver.output).toContain('[a:0] rank 0 of 3 from step 8');
  expect(driver.output).toContain('[b:1] rank 2 of 3 from step 8');
  await expectTrained(folder);
});

test('a process that no elastic launcher started is told so', async () => {
  await expect(runElastic(async () => undefined)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('HOROVOD_ELASTIC'),
  });
});
