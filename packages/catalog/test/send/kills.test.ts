import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { local, send } from '@dataref/catalog';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MODULE as module, partsOf, recordsOf, storedRecords, theSent } from './sent.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('catalog/send/kills'));
const recordsPerShare = 16;
const JOB = fileURLToPath(new URL('./modules/job.mjs', import.meta.url));

const length = 160;

/** What an unbroken job makes. */
async function unbroken() {
  const { folder, storage, data } = await storedRecords(length);
  const made = await send({ module, export: 'double', hardware: local({ workers: 2 }), recordsPerShare })(data);
  const { version } = await theSent(storage);
  return { version, parts: partsOf(folder, version), records: await recordsOf(made) };
}

const whole = await unbroken();

test('a job killed at random moments goes on where it was, to the result of one that was not', async () => {
  for (let run = 0; run < runs(20); run++) {
    const { folder, storage, data } = await storedRecords(length);
    let done = 0;
    for (let kills = 0; done < length && kills < 2; kills++) {
      const before = done;
      const job = spawn(process.execPath, [JOB, folder, String(1 + (run % 3))], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const end = before + Math.ceil(random() * (length / 3));
      let first: number | undefined;
      for await (const line of createInterface({ input: job.stdout })) {
        done = Number(line);
        first ??= done;
        // Not at the moment of a share's end alone.
        if (done >= end && done < length) setTimeout(() => job.kill('SIGKILL'), random() * 30);
      }
      if (job.exitCode === null && job.signalCode === null) await once(job, 'exit');
      if (first !== undefined) expect(first).toBeGreaterThanOrEqual(before);
    }
    const made = await send({ module, export: 'double', hardware: local({ workers: 2 }), recordsPerShare })(data);
    const { id, version } = await theSent(storage);
    expect(version).toBe(whole.version);
    await storage.vacuum({ graceMs: 0 });
    expect(partsOf(folder, version)).toEqual(whole.parts);
    expect(await recordsOf(made)).toEqual(whole.records);
    expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
  }
});

test('shares whose workers die are run again, to the same result', async () => {
  for (let run = 0; run < runs(20); run++) {
    const { folder, storage, data } = await storedRecords(length);
    const deadly = Array.from({ length: 4 }, () => Math.floor(random() * length));
    const spread = deadly.filter((n, i) => deadly.findIndex((m) => m >> 4 === n >> 4) === i); // one in a share
    const dying = send({
      module: new URL('./modules/dying.mjs', import.meta.url),
      export: 'dying',
      hardware: local({ workers: 1 + (run % 3) }),
      recordsPerShare,
    });
    const made = await dying(data, tempFolder(), spread);
    await storage.vacuum({ graceMs: 0 });
    expect(await recordsOf(made)).toEqual(whole.records);
    const { id, version } = await theSent(storage);
    expect(partsOf(folder, version)).toEqual(whole.parts);
    expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
  }
});
