import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const REPOSITORY = new URL('../../../../', import.meta.url);
const page = readFileSync(new URL('docs/errors.md', REPOSITORY), 'utf8');
const source = readFileSync(new URL('packages/core/src/errors.ts', REPOSITORY), 'utf8');

test('docs/errors.md has a row for each code, in the order of the source, with when and what to do', () => {
  const codes = [...source.split('export interface')[0]!.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code);
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (.+) \| (.+) \|$/gm)];
  expect(codes.length).toBeGreaterThan(20);
  expect(rows.map(([, code]) => code)).toEqual(codes);
  for (const [, , when, cure] of rows) expect([when!.trim(), cure!.trim()]).not.toContain('');
});
