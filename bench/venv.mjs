import fs from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';

/**
 * The Python of a virtual environment with exactly these packages, made below `data` when it is not there. PYTHON names
 * the one to start from, 3.11 or later.
 * @param file requirements; the default names every package, so that none brings others
 */
export async function pythonWith(name, data, file) {
  const folder = join(data, `venv-${name}`);
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'done');
  if (fs.existsSync(done)) return python;
  const pinned = ['--no-deps', '-r', join(import.meta.dirname, `${name}.txt`)];
  await run(process.env.PYTHON ?? 'python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...(file === undefined ? pinned : ['-r', file])]);
  fs.writeFileSync(done, '');
  return python;
}
