import { expect, test } from '@jest/globals';
import { failure } from '../../../core/test/expect-error.js';
import { globPattern } from '../../dist/source/hub/glob-pattern.js';
import { splitsByName } from '../../dist/source/split-names.js';

test.each<[string, readonly string[], readonly string[]]>([
  ['a/b.txt', ['a/b.txt', 'a/b.txt/c'], ['a/b.txt2', 'b.txt', 'aab.txt']],
  ['a', ['a', 'a/b/c'], ['ab', 'b/a']],
  ['*.txt', ['.txt', 'a.txt', '🍎.txt'], ['a/b.txt', 'a.txt2', 'atxt']],
  ['**/a.txt', ['a.txt', 'b/a.txt', 'b/c/a.txt'], ['ba.txt', 'b/ba.txt']],
  ['a/**', ['a/', 'a/b', 'a/b/c'], ['a', 'ab']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
  ['?.txt', ['a.txt', '🍎.txt'], ['.txt', 'ab.txt', '/.txt']],
  ['[a-c_].txt', ['b.txt', '_.txt'], ['d.txt', '-.txt']],
  ['[!a-c].txt', ['d.txt'], ['b.txt']],
  ['[z-a].txt', [], ['a.txt', 'z.txt']],
  ['{a,b*}/{c,d}.txt', ['a/c.txt', 'bx/d.txt'], ['ax/c.txt', 'a/e.txt']],
  ['a(b|c)+.txt*', ['a(b|c)+.txt'], ['ab.txt']],
])('%s', (glob, like, unlike) => {
  expect(like.filter((path) => !globPattern(glob)(path))).toEqual([]);
  expect(unlike.filter(globPattern(glob))).toEqual([]);
});

test('a pattern of many stars takes no longer than its length', () => {
  expect(globPattern(`${'*a'.repeat(500)}b`)('a'.repeat(1000))).toBe(false);
  expect(globPattern(`${'**/'.repeat(500)}b`)('a/'.repeat(500))).toBe(false);
});

test('a pattern of more choices than anybody writes is refused', () => {
  const refused = failure('INVALID_ARGUMENT', /too long, or has too many choices/u);
  expect(() => globPattern('{a,b}'.repeat(100))).toThrow(refused);
  expect(() => globPattern('*'.repeat(5000))).toThrow(refused);
});

test('a hundred thousand names are told apart at once', () => {
  const paths = Array.from({ length: 100_000 }, (_, i) => `train/${i}.txt`);
  expect(splitsByName(paths).get('train')).toEqual(paths);
});
