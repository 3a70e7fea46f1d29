// Mapped in worker threads by the tests: what a record holds, in new arrays, which are moved.
export default function describe(record, { epoch, index, position, random }) {
  const text = JSON.stringify(record, (_, item) => (ArrayBuffer.isView(item) ? Array.from(item) : item));
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return { hash: sum >>> 0, epoch, index, position, numbers: Float64Array.of(sum, random(), random()) };
}
