import { spawn } from 'node:child_process';

/** Runs a program, which has the functions of this package's stops, in a process of its own. */
export async function node(
  program: string,
): Promise<{ readonly lines: string[]; readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  const imported = `import { agree, localCollectives, onPreempt } from '@dataref/horovod-shard';\n${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', imported], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ lines: output.split('\n').filter(Boolean), code, signal }));
  });
}
