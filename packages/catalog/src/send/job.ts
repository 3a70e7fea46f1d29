import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { DataRefError, type DataRef, type ProgressOptions, type Schema, type Storage } from '@dataref/core';
import { reporter, sharesThere, storedIn, withLastReport } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import type { Crew } from './crew.js';
import { hashOfModule, jobId } from './job-id.js';
import { isPlaceable, placeOf } from './places.js';
import { planShares } from './share-plan.js';
import type { ShareTask } from './task.js';
import type { FunctionName } from './user-function.js';
import { runTasks } from './work.js';

/** What runs over a dataset, and how. */
export interface JobOptions {
  readonly fn: FunctionName;
  /** Besides the record or batch. */
  readonly args: readonly unknown[];
  readonly batchSize: number | undefined;
  readonly schema: Schema | undefined;
  readonly storage: Storage | undefined;
  readonly recordsPerShare: number | undefined;
  readonly revision: string;
}

/**
 * Runs a function over a dataset share by share, in workers that write what it gives as shares of one new dataset. What a
 * job that was ended before its time has written is not written again; a job that is done is not run again.
 */
export async function runJob(crew: Crew, job: JobOptions, data: DataRef, options: ProgressOptions): Promise<DataRef> {
  const { fn, batchSize, schema, recordsPerShare } = job;
  const { signal, onProgress } = options;
  const stored = storedIn(data);
  const { fingerprint, length } = data;
  if (length === 0 && schema === undefined)
    throw new DataRefError(
      'EMPTY',
      'send: the dataset has no records, so that nothing tells the schema of the results: give send one, { schema }',
    );
  const isOpenable = stored !== undefined && (await isPlaceable(stored.storage));
  const storage = job.storage ?? (isOpenable ? stored.storage : temporaryStorage());
  const shares = planShares(length, recordsPerShare);
  const code = await hashOfModule(fn.module);
  const id = `sends/${nameOf(fn)}`;
  const version = jobId(fingerprint, length, code, fn.export, batchSize, schema, shares.length, job.args, job.revision);
  if (await storage.has(id, version, { signal })) return storage.fetch(id, version, { signal });

  const { isInProcess, workers } = crew.hardware;
  const output = { place: await placeOf(storage, isInProcess), id, version, of: shares.length };
  const copy = { id, version: `${version}-input` };
  const source = isOpenable ? { ...stored, fingerprint } : await stage(storage, copy, data, options);
  const input = { ...source, place: await placeOf(source.storage, isInProcess), storage: undefined };
  const dataset = stored === undefined ? 'the dataset' : `${stored.id}@${stored.version}`;
  const there = new Set(await sharesThere(storage, id, version, { signal }));
  const tasks = shares
    .filter(({ part }) => !there.has(part))
    .map((range): ShareTask => ({
      kind: 'share',
      fn,
      args: job.args,
      dataset,
      input,
      output,
      range,
      batchSize,
      schema,
    }));
  const left = tasks.reduce((sum, { range }) => sum + range.end - range.start, 0);
  return withLastReport(onProgress, async (tell) => {
    const report = reporter(tell, 'send', length, 'records');
    let done = length - left;
    report(done);
    if (tasks.length > 0)
      await crew.during(signal, (workforce) =>
        runTasks(workforce, workers, tasks, signal, (_, records) => report((done += records as number))),
      );
    const result = await storage.writer(id, version, { part: 0, of: shares.length }).whole({ signal });
    if (!isOpenable) await storage.delete(copy.id, copy.version, { signal });
    return result;
  });
}

/** Stores what workers cannot open, for as long as they need it. */
async function stage(
  storage: Storage,
  { id, version }: { readonly id: string; readonly version: string },
  data: DataRef,
  options: ProgressOptions,
) {
  const { fingerprint } = await storage.cacheable(id, version, () => data, options);
  return { storage, id, version, fingerprint };
}

/** Short, and the same for names that differ by case alone, which ids must not: the version tells jobs apart. */
function nameOf({ module, export: name }: FunctionName): string {
  const text = name === 'default' ? basename(module).replace(/\.[^.]*$/u, '') : name;
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, '-')
    .slice(0, 40);
}

/** A folder of this user's below the system's temporary one: the same for every program, so that a job can be gone on with. */
function temporaryStorage(): Storage {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `dataref-sends-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const there = lstatSync(folder);
  if (!there.isDirectory() || (uid >= 0 && there.uid !== uid))
    throw new DataRefError(
      'STORE_FAILED',
      `send: ${folder} belongs to another user, or is a link: give send a storage for its results`,
    );
  return new FileStorage(folder);
}
