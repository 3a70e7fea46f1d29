import { type Body, awaitAnswer, fillFromBody } from './body.js';
import { IDLE_TIMEOUT_MS, watched } from './idle-watch.js';
import type { StoredObject } from './object-store.js';
import { cutOff, silent, tooLarge, wrongAnswer } from './store-errors.js';

/** What a server said to a request of a whole object. */
export interface WholeAnswer {
  /** Undefined where the server does not say. */
  readonly byteLength: number | undefined;
  readonly version: string;
  readonly body: Body;
}

export interface WholeObject {
  readonly key: string;
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** One attempt to get the object; undefined where there is none. */
  readonly fetchWhole: (signal: AbortSignal) => Promise<WholeAnswer | undefined>;
  readonly idleTimeoutMs?: number | undefined;
}

/** A small object at once. @throws DataRefError CORRUPT above the limit, of which nothing is read; transient STORE_FAILED, TIMEOUT */
export async function readWhole(object: WholeObject): Promise<StoredObject | undefined> {
  const { key, limitBytes, signal, fetchWhole, idleTimeoutMs = IDLE_TIMEOUT_MS } = object;
  const silence = (why: string): Error => silent(key, 'reading it', why, idleTimeoutMs);
  return watched({ signal, idleTimeoutMs, silence }, async (watch) => {
    const answer = await awaitAnswer(fetchWhole(watch.signal), watch);
    if (answer === undefined) return undefined;
    watch.heard();
    const { byteLength, version, body } = answer;
    if (byteLength !== undefined && byteLength > limitBytes) {
      body.cancel();
      throw tooLarge(key, byteLength, limitBytes);
    }
    const bytes = new Uint8Array(byteLength ?? limitBytes);
    let filled = 0;
    const bodyEnd = await fillFromBody(body, bytes, watch, (count) => (filled = count));
    if (bodyEnd.kind === 'whole') return { bytes, version };
    if (byteLength === undefined && bodyEnd.kind === 'short') return { bytes: bytes.slice(0, filled), version };
    if (byteLength === undefined && bodyEnd.kind === 'long') throw tooLarge(key, limitBytes + 1, limitBytes);
    if (bodyEnd.kind === 'long') throw wrongAnswer(key, `${byteLength} bytes`, 'more');
    throw cutOff(key, filled, bytes.length, bodyEnd.kind === 'broken' ? bodyEnd.error : undefined);
  });
}
