import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { local, mpi, send, ssh, type MpiOptions, type SshOptions } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { randomOf, runs } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MARK, processesOf, untilGone } from './marked-processes.js';
import { MODULE as module, partsOf, recordsOf, storedRecords, theSent } from './sent.js';

const programOf = (name: string): string => fileURLToPath(new URL(`./modules/${name}.mjs`, import.meta.url));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Hardware that a launcher of the system starts, as a program of its own makes it. */
export type Launched =
  { readonly kind: 'mpi'; readonly options: MpiOptions } | { readonly kind: 'ssh'; readonly options: SshOptions };

const LENGTH = 160;
const RECORDS_PER_SHARE = 16;

/** What may be killed of a job. */
const VICTIMS = ['the job', 'a worker', 'the launcher'] as const;

/**
 * What holds of processes that a launcher starts, when some of them are killed.
 * @param launched two workers at least
 * @param kills so many at scale 1
 */
export function launchedSuite(title: string, launched: Launched, seed: number, kills = 12): void {
  const hardware = launched.kind === 'mpi' ? mpi(launched.options) : ssh(launched.options);
  const launcher = launched.kind === 'mpi' ? (launched.options.mpirun ?? 'mpirun') : 'ssh';
  const launch = [launched.kind, JSON.stringify(launched.options)];

  describe(`processes of ${title}`, () => {
    test('are killed at random moments, and so are their launcher and their job: the result is that of an unbroken one', async () => {
      const random = randomOf(seed);
      const whole = await unbroken();
      for (let kill = 0; kill < runs(kills);) {
        const victim = VICTIMS[kill % VICTIMS.length] as (typeof VICTIMS)[number];
        const { folder, storage } = await storedRecords(LENGTH);
        const first = startJob([programOf('launched-job'), folder, ...launch], folder);
        const killedAt = await killWithin(first, victim, random);
        if (killedAt !== undefined) kill++;
        const status = await first.ended;
        await untilGone(folder);
        // One that had begun to work outlives its workers, and its launcher.
        if (victim !== 'the job' && killedAt !== undefined && killedAt > 0)
          expect([victim, status]).toEqual([victim, 0]);
        if (status !== 0) {
          const isWhole = await storage.has(whole.id, whole.version); // told of, or not: then nothing is left to tell
          const second = startJob([programOf('launched-job'), folder, ...launch], folder);
          expect(await second.ended).toBe(0);
          // It goes on where the first was.
          if (isWhole) expect(second.told).toEqual([]);
          else expect(second.told[0]).toBeGreaterThanOrEqual(first.told.at(-1) ?? 0);
          await untilGone(folder);
        }
        const { id, version } = await theSent(storage);
        expect(version).toBe(whole.version);
        expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
        await storage.vacuum({ graceMs: 0 });
        expect(partsOf(folder, version)).toEqual(whole.parts);
        expect(await recordsOf(await storage.fetch(id, version))).toEqual(whole.records);
      }
    });

    test('that are killed beside a program of theirs, which lives on, are told of', async () => {
      const mark = tempFolder();
      process.env[MARK] = mark;
      try {
        await expect(send({ module, export: 'killedBesideProgram', hardware })()).rejects.toEqual(
          failure('WORKER_DIED', /killedBesideProgram of functions\.mjs on its call: its worker ended 3 times/),
        );
      } finally {
        delete process.env[MARK];
        for (const { id, command } of processesOf(mark)) if (command[0] === 'sleep') process.kill(id, 'SIGKILL');
      }
      await untilGone(mark);
    });

    test('that need more memory than there is are told of', async () => {
      // In a program of its own, whose stderr jest does not see: it takes such words for its own end.
      const args = [programOf('launched-call'), ...launch, 'fills'];
      const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' };
      const { stdout } = await promisify(execFile)(process.execPath, args, { env });
      expect(stdout).toMatch(
        /^WORKER_DIED .*fills of functions\.mjs on its call: its worker ended 3 times.*out of memory/su,
      );
    });

    test.each(['never', 'blocks', 'blocksByProgram', 'waitsForProgram'])(
      'are gone soon after an abort, and after the job is killed, whatever their function does: %s',
      async (name) => {
        const mark = tempFolder();
        const log = join(mark, 'log');
        const isCalled = () => readFileSync(log, 'utf8') !== '';
        writeFileSync(log, '');
        const abort = new AbortController();
        process.env[MARK] = mark;
        const ended = send({ module, export: name, hardware }).with({ signal: abort.signal })(log);
        ended.catch(() => undefined);
        while (!isCalled()) await pause(20);
        delete process.env[MARK];
        abort.abort(new Error('enough'));
        await expect(ended).rejects.toThrow('enough');
        await untilGone(mark);

        writeFileSync(log, '');
        const job = startJob([programOf('launched-call'), ...launch, name, log], mark);
        while (!isCalled()) await pause(20);
        job.kill();
        await untilGone(mark);
      },
    );
  });

  /** @returns how many records were done; undefined where the job ended sooner */
  async function killWithin(
    job: Job,
    victim: (typeof VICTIMS)[number],
    random: () => number,
  ): Promise<number | undefined> {
    const done = (0.9 * random() - 0.1) * LENGTH; // below 0: while workers start
    const delayMs = random() * (done < 0 ? 1000 : 40); // not at the end of a share alone
    const choice = random();
    while ((job.told.at(-1) ?? -1) < done) if (await job.endsWithin(2)) return undefined;
    await pause(delayMs);
    for (;;) {
      const killed = job.told.at(-1) ?? 0;
      if (killed >= LENGTH || (await job.endsWithin(1))) return undefined;
      if (victim === 'the job') {
        job.kill();
        return killed;
      }
      const wanted = processesOf(job.mark).filter(({ command: [program = '', script = ''] }) =>
        victim === 'the launcher' ? basename(program) === launcher : basename(script) === 'worker-main.js',
      );
      const one = wanted[Math.floor(choice * wanted.length)];
      if (one === undefined) continue;
      process.kill(one.id, 'SIGKILL');
      return killed;
    }
  }
}

interface Job {
  readonly mark: string;
  /** Records that were done, each time that it told. */
  readonly told: readonly number[];
  /** Its exit code; null where it was killed. */
  readonly ended: Promise<number | null>;
  endsWithin(ms: number): Promise<boolean>;
  kill(): void;
}

function startJob(args: readonly string[], mark: string): Job {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, [MARK]: mark },
  });
  const told: number[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.push(Number(line)));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    mark,
    told,
    ended,
    endsWithin: (ms) => Promise.race([ended.then(() => true), pause(ms).then(() => false)]),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What a job that nothing happens to makes, on threads. */
async function unbroken() {
  const { folder, storage, data } = await storedRecords(LENGTH);
  const unhurried = send({
    module,
    export: 'unhurried',
    hardware: local({ workers: 2 }),
    recordsPerShare: RECORDS_PER_SHARE,
  });
  const made = await unhurried(data);
  const { id, version } = await theSent(storage);
  return { id, version, parts: partsOf(folder, version), records: await recordsOf(made) };
}
