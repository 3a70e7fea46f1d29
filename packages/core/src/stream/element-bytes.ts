/** Values of one record that are looked at, at most: what users' functions give may be cyclic. */
const MAX_VALUES = 10_000;

/** About how much memory a record takes: its arrays and texts, and a little for each value. */
export function bytesOf(record: unknown): number {
  const left = [record];
  let bytes = 0;
  for (let i = 0; left.length > 0 && i < MAX_VALUES; i++) {
    const value = left.pop();
    bytes += 8;
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) left.push(item);
  }
  return bytes;
}
