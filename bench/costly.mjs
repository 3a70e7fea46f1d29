// A costly map, run in worker threads by pipelines.mjs: a few ms of arithmetic a record.
export default function costly(x) {
  let sum = 0;
  for (let i = 0; i < 100_000; i++) sum += Math.sin(x + i);
  return { sum };
}
