import fs from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * The measured side of a contest: says that it is ready, runs as many epochs as each line of standard input asks for, and answers
 * with the seconds that each took; at the end of input with its peak memory and what it read.
 * @param epoch runs one epoch
 * @param facts what is known once
 */
export async function serve(epoch, facts = {}) {
  const answer = (line) => console.log(JSON.stringify(line));
  answer({ ready: true, ...facts });
  let reads;
  for await (const line of createInterface({ input: process.stdin })) {
    const seconds = [];
    for (let i = 0; i < Number(line); i++) {
      const before = readsSoFar();
      const start = performance.now();
      await epoch();
      seconds.push((performance.now() - start) / 1000);
      reads = readsSince(before);
    }
    answer({ seconds });
  }
  answer({ peakMemoryBytes: peakMemory(), epochReads: reads });
}

/** Read calls and bytes of this process so far, also those answered from the page cache; undefined where the system does not count. */
export function readsSoFar() {
  const text = textOf('/proc/self/io');
  if (text === undefined) return undefined;
  return { operations: Number(/syscr: (\d+)/.exec(text)[1]), bytes: Number(/rchar: (\d+)/.exec(text)[1]) };
}

export function readsSince(before) {
  // The calls that look at the counters are among those counted.
  const now = readsSoFar();
  return now && before && { operations: now.operations - before.operations, bytes: now.bytes - before.bytes };
}

/** The most memory that this process ever held. */
export function peakMemory() {
  const text = textOf('/proc/self/status');
  return text === undefined ? process.resourceUsage().maxRSS * 1024 : Number(/VmHWM:\s+(\d+)/.exec(text)[1]) * 1024;
}

function textOf(path) {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
