import { expect, test } from '@jest/globals';
import { S3Storage } from '@dataref/core/s3';
import { failure } from '../expect-error.js';

test.each<[string, object, RegExp]>([
  ['no bucket', {}, /bucket must be the name of a bucket/],
  ['a URL for a bucket', { bucket: 's3://a' }, /bucket must be the name/],
  ['a prefix that leaves the bucket', { bucket: 'b', prefix: 'a/../..' }, /prefix must be like 'a\/b'/],
  ['a prefix with an empty segment', { bucket: 'b', prefix: 'a//b' }, /prefix must be like/],
  ['a client and its config', { bucket: 'b', client: {}, clientConfig: {} }, /exclude each other/],
  ['an unknown option', { bucket: 'b', region: 'x' }, /unknown option "region"/],
  ['parts without a cache', { bucket: 'b', read: 'parts' }, /needs a cache/],
  ['another way to read', { bucket: 'b', read: 'fast' }, /read must be 'ranges', 'parts' or 'auto'/],
  ['an idle time of nothing', { bucket: 'b', idleTimeoutMs: 0 }, /idleTimeoutMs must be an integer/],
  ['a budget below zero', { bucket: 'b', memoryLimitBytes: -1 }, /memoryLimitBytes must be an integer/],
])('S3Storage refuses %s', (_, options, message) => {
  expect(() => new S3Storage(options as { bucket: string })).toThrow(failure('INVALID_ARGUMENT', message));
});
