import type { OrtWorkerFeeds } from './types.js';

const made = new WeakSet<object>();

/** Notes that these are feeds, for `isFeeds`. */
export function noteFeeds(feeds: OrtWorkerFeeds): void {
  made.add(feeds);
}

/** Whether `toOrtFeeds` made them, of a stream here or of one in a worker, whose class is loaded only with it. */
export function isFeeds(value: unknown): value is OrtWorkerFeeds {
  return made.has(Object(value) as object);
}
