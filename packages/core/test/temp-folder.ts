import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll } from '@jest/globals';

const made: string[] = [];
afterAll(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A new folder that is removed after the file's tests. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dataref-test-'));
  made.push(folder);
  return folder;
}

/** Every file and every folder without one below a folder, folders with a slash at the end. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), entry.isDirectory() ? readdirSync(path).length : -1] as const;
    })
    .filter(([, entries]) => entries <= 0)
    .map(([path, entries]) => (entries === 0 ? `${path}/` : path))
    .sort();
}
