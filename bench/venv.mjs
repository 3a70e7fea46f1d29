import fs from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';

/** The Python of a virtual environment with exactly these packages, made below `data` when it is not there. PYTHON names the one to start from, 3.11 or later. */
export async function pythonWith(requirements, data) {
  const folder = join(data, `venv-${requirements}`);
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'done');
  if (fs.existsSync(done)) return python;
  const file = join(import.meta.dirname, `${requirements}.txt`);
  await run(process.env.PYTHON ?? 'python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', file]);
  fs.writeFileSync(done, '');
  return python;
}
