// Run in worker threads by pipeline-trainer.mjs: adds noise, the same for the same record of the same epoch.
export default function noisy({ x, y }, { random }) {
  const data = Float32Array.from(x.data, (value) => value + (random() - 0.5) / 4);
  return { x: { ...x, data }, y };
}
