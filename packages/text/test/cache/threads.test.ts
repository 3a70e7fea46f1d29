import { readdirSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import type { OpenedTokenizer } from '../../dist/tokenizer/tokenizer.js';
import { build, byteTokenizer, sourceOf, textRows } from './build.js';

jest.setTimeout(60_000);

/** Fails in the threads that encode, as row 81 says. */
async function mortal(): Promise<OpenedTokenizer> {
  const url = new URL('mortal-tokenizer.mjs', import.meta.url).href;
  const { tokenizer } = await byteTokenizer();
  return { tokenizer, fingerprint: 'mortal', recipe: { kind: 'module', name: 'mortal', url, revision: '1' } };
}
const sourceWith = (text: string) => sourceOf({ train: textRows(120).map((row, i) => (i === 81 ? [text] : row)) });

test.each([
  ['throw', 'MAP_FAILED', /^train, row 81 \(in 50\): the tokenizer failed: as told/u],
  ['exit', 'MAP_FAILED', /^train, row 81 \(in 50\): the tokenizer failed: it called process\.exit\(1\)/u],
  ['die', 'WORKER_DIED', /^a thread that encodes text met an error that nobody caught: .*died/u],
] as const)('a tokenizer that says %s in a thread ends the call, and leaves no cache', async (text, code, message) => {
  const directory = tempFolder();
  const failed = build(directory, sourceWith(text), { tokenizer: await mortal() });
  await expect(failed).rejects.toEqual(failure(code, message));
  expect(readdirSync(directory)).toEqual(['.building']);
});

test('an abort ends threads that never would', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const hanging = build(tempFolder(), sourceWith('hang'), {
    tokenizer: await mortal(),
    signal: controller.signal,
    onProgress: ({ done }) => done > 0 && controller.abort(reason),
  });
  await expect(hanging).rejects.toBe(reason);
});
