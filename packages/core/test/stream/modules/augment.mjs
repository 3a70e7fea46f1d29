// Mapped in worker threads by the tests.
export default function augment(x, { index, epoch, random }) {
  return { x, index, epoch, drawn: random(), bytes: new Uint8Array(4).fill(x) };
}
