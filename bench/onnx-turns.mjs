// Contestants of onnx.mjs, a few steps of each in turn: what else the machine does meets all of them alike.
import { readFileSync } from 'node:fs';
import { median } from './statistics.mjs';

/** Of all threads of the process, in ms: what else the machine does is not in it, but for the caches. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
/** Of this thread alone; Linux tells. */
const ownCpuMs = () => {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return NaN;
  }
};

/** One step after another, epochs without end; `feed` is the time of getting the feeds, `all` that of the step with it. */
export async function* stepsOf(flow, run) {
  let start = performance.now();
  for (;;) {
    const batches = flow[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await batches.next();
      if (done) break; // the end of an epoch is part of the next one's first step
      const fed = performance.now();
      await run(value.feeds);
      yield { feed: fed - start, all: performance.now() - start };
      start = performance.now();
    }
  }
}

/** Blocks of steps, one contestant after the other, after blocks in which V8 compiles what is hot: some 500 steps. */
export async function turns(contestants, { blocks, steps = 20, warmUp = 25 }) {
  const measured = new Map(
    Object.keys(contestants).map((name) => [name, { cpu: [], own: [], feed: [], all: [], share: [] }]),
  );
  for (let block = -warmUp; block < blocks; block++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const each = [];
      await contestant.next(); // finds the caches full of the others' data
      const [cpu, own] = [cpuMs(), ownCpuMs()];
      for (let i = 0; i < steps; i++) each.push((await contestant.next()).value);
      if (block < 0) continue;
      const seen = measured.get(name);
      seen.cpu.push((cpuMs() - cpu) / steps);
      seen.own.push((ownCpuMs() - own) / steps);
      for (const { feed, all } of each) {
        seen.feed.push(feed);
        seen.all.push(all);
      }
      const sum = (what) => each.reduce((total, step) => total + step[what], 0);
      seen.share.push(sum('feed') / sum('all'));
    }
  }
  for (const contestant of Object.values(contestants)) await contestant.return();
  const of = (name, what) => median(measured.get(name)[what]);
  return {
    /** Median: of the blocks' processor time a step (`cpu`, `own`: of this thread), or of single steps (`feed`, `all`). */
    of,
    /** Median of the quotients of neighbours. */
    ratio: (what, a, b) => median(measured.get(a)[what].map((value, i) => value / measured.get(b)[what][i])),
    /** Of all time: what getting feeds takes, median of the blocks. What comes now and then is in it, such as new epochs. */
    share: (name) => of(name, 'share'),
  };
}
