import { DataRefError } from '@dataref/core';
import type { IoOptions } from '@dataref/core/store';
import { newRecord, newToken, type Change, type Records } from './records.js';
import type { Arriving, CatalogRecord, Leaving } from './types.js';

/*
 * A rename takes three conditional puts, and is decided by the second:
 *   1. the old name's record is marked `leaving`: nobody changes it any more,
 *   2. the new name's record gets the history and `arriving: arrived`; where it has one already, `arriving: refused`,
 *   3. the old name's record is emptied, or the mark is taken off.
 * Whoever wants to change a record that is marked settles the rename first, from wherever it is: its process may be dead.
 * `arriving` is taken off only after step 3, so that who reads the new name's record without it, and after that the old
 * one's with its mark, knows that the rename is not decided. Records are emptied, not removed, and so one that is late
 * cannot bring a history back.
 */

/**
 * Changes the record of a name, once no rename of it is under way.
 * @returns the record then; undefined where there is none
 */
export function changeRecord(
  records: Records,
  name: string,
  change: Change,
  options: IoOptions = {},
): Promise<CatalogRecord | undefined> {
  return records.inTurn(name, async () => {
    for (;;) {
      let isMarked = false;
      const result = await records.update(
        name,
        (now) => {
          isMarked = now?.leaving !== undefined || now?.arriving !== undefined;
          return isMarked ? undefined : change(now);
        },
        options,
      );
      if (!isMarked) return result;
      await settle(records, name, options);
    }
  });
}

/**
 * Gives a history another name.
 * @throws DataRefError NOT_FOUND by `missing`; ALREADY_EXISTS where the new name has one
 */
export async function renameRecord(
  records: Records,
  from: string,
  to: string,
  missing: () => Promise<Error>,
  options: IoOptions,
): Promise<void> {
  const token = newToken();
  const marked = await changeRecord(
    records,
    from,
    (now) => (now === undefined || now.versions.length === 0 ? undefined : { ...now, leaving: { to, token } }),
    options,
  );
  // Where another has settled it already, it left the old name's record so.
  if (marked === undefined || marked.leaving?.token !== token) throw await missing();
  const outcome = await finish(records, from, { to, token }, options);
  if (outcome === 'arrived') return;
  throw outcome === 'refused'
    ? new DataRefError('ALREADY_EXISTS', `there is ${JSON.stringify(to)} already; delete it, or use another name`, {
        details: { name: to },
      })
    : new DataRefError('STORE_FAILED', `${from}: another process settled its rename; look which name it has now`);
}

/** Settles every rename that a record takes part in. */
export async function settle(records: Records, name: string, options: IoOptions): Promise<void> {
  const now = await records.read(name, options);
  if (now?.leaving !== undefined) await finish(records, name, now.leaving, options);
  if (now?.arriving !== undefined) await close(records, name, now.arriving, options);
}

/** @returns undefined where it was settled before, and is not remembered */
async function finish(
  records: Records,
  from: string,
  { to, token }: Leaving,
  options: IoOptions,
): Promise<Arriving['outcome'] | undefined> {
  for (;;) {
    let other: Arriving | undefined;
    const there = await records.update(
      to,
      async (now) => {
        other = now?.arriving?.token === token ? undefined : now?.arriving;
        if (now?.arriving !== undefined) return undefined;
        // After the new name's record was read, or it may have been settled between.
        const source = await records.read(from, options);
        if (source?.leaving?.token !== token) return undefined;
        if (now !== undefined && now.versions.length > 0)
          return { ...now, arriving: { from, token, outcome: 'refused' } };
        const { lastVersion, tags, versions } = source;
        const before = now ?? newRecord(to);
        const last = Math.max(lastVersion, before.lastVersion);
        return { ...before, lastVersion: last, tags, versions, arriving: { from, token, outcome: 'arrived' } };
      },
      options,
    );
    if (other !== undefined) {
      await close(records, to, other, options);
      continue;
    }
    if (there?.arriving?.token !== token) {
      const { left } = (await records.read(from, options)) ?? {};
      return left?.token === token ? left.outcome : undefined;
    }
    const { outcome } = there.arriving;
    await resolve(records, from, { to, token }, outcome, options);
    return outcome;
  }
}

/** Step 3, and the mark of step 2 off. */
async function close(records: Records, to: string, arriving: Arriving, options: IoOptions): Promise<void> {
  const { from, token, outcome } = arriving;
  await resolve(records, from, { to, token }, outcome, options);
  await records.update(
    to,
    (now) => (now?.arriving?.token === token ? { ...now, arriving: undefined } : undefined),
    options,
  );
}

async function resolve(
  records: Records,
  from: string,
  { to, token }: Leaving,
  outcome: Arriving['outcome'],
  options: IoOptions,
): Promise<void> {
  await records.update(
    from,
    (now) => {
      if (now?.leaving?.token !== token) return undefined;
      const settled = { ...now, leaving: undefined, left: { to, token, outcome } };
      return outcome === 'arrived' ? { ...settled, tags: {}, versions: [] } : settled;
    },
    options,
  );
}
