import { describe, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { scale } from '../../packages/core/test/scale.js';
import { listing, run, runLimited, script, tempFolder } from './process.js';

jest.setTimeout(600_000);

/** Three parts at least: what grows with the data shows. */
const MEGABYTES = Math.max(200, Math.round(400 * scale));

interface Report {
  readonly error?: string;
  readonly returned: number;
  readonly isSteady: boolean;
  readonly last: { readonly done: number; readonly unit: string; readonly phase: string };
  readonly reports: number;
  readonly startMegabytes: number;
  readonly peakMegabytes: number;
}

async function submitLarge(folder: string, ...args: string[]): Promise<Report> {
  const program = ['--max-old-space-size=128', script('large-submit.mjs'), folder, String(MEGABYTES), ...args];
  const { code, errors, lines } = await run(process.execPath, program);
  expect([code, errors]).toEqual([0, '']);
  return JSON.parse(lines[0] as string) as Report;
}

describe('a process with little memory', () => {
  test(`stores ${MEGABYTES} MiB from a generator in the memory of a few parts, and reports on the way`, async () => {
    const folder = tempFolder();
    const report = await submitLarge(folder);
    const records = MEGABYTES * 64;
    expect(report).toMatchObject({
      returned: 0,
      isSteady: true,
      last: { done: records, unit: 'records', phase: 'write' },
    });
    expect(report.reports).toBeGreaterThan(10);
    // A part of 64 MiB, the buffer that it grew out of, and the next one.
    expect(report.peakMegabytes - report.startMegabytes).toBeLessThan(4 * 64);
    const storage = new FileStorage(folder, { memoryLimitBytes: 0 });
    expect(listing(folder).filter((path) => path.endsWith('.arrow')).length).toBeGreaterThan(3);
    expect((await storage.verify('x', '1')).ok).toBe(true);
    const dataref = await storage.fetch('x', '1');
    for (const index of [0, 4095, 4096, Math.floor(records / 2), records - 1]) {
      expect(await dataref.at(index)).toEqual({
        image: { dtype: 'uint8', shape: [128, 128], data: new Uint8Array(16_384).fill(index & 255) },
        label: index,
        name: `image ${index}`,
      });
    }
  });

  test('aborted in the middle, shows nothing, leaves nothing, and ends the generator', async () => {
    const folder = tempFolder();
    const report = await submitLarge(folder, 'abort');
    expect(report).toMatchObject({ error: 'enough', returned: 1 });
    expect(await new FileStorage(folder).has('x', '1')).toBe(false);
    expect(listing(folder)).toEqual([
      '.tmp~/',
      expect.stringMatching(/^x\/0\/data\/[0-9a-f]{16}\/00000000\.arrow$/u),
      expect.stringMatching(/^x\/0\/data\/[0-9a-f]{16}\/00000000\.head$/u),
      'x/0/dataset.json',
    ]);
  });
});

describe('a process that may write no file above a limit', () => {
  test.each([1, 8, 64, 200])(
    'of %i KiB: DISK_FULL, the process lives on, and the old dataset is whole',
    async (limit) => {
      const folder = tempFolder();
      const storage = new FileStorage(folder);
      const old = await storage.submit(['old'], 'x', '1');
      await storage.vacuum();
      const before = listing(folder);
      const args = [script('limited-submit.mjs'), folder, '1000'];
      const { code, signal, lines, errors } = await runLimited(limit, process.execPath, args);
      expect([code, signal, errors]).toEqual([0, null, '']);
      expect(lines[0]).toMatch(
        /^DISK_FULL x\/1\/data\/.*EFBIG: no room left on the disk, or a quota or file size limit was met$/u,
      );
      expect((await storage.fetch('x', '1')).fingerprint).toBe(old.fingerprint);
      expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
      await storage.vacuum({ graceMs: 0 });
      expect(listing(folder)).toEqual(before);
    },
  );
});
