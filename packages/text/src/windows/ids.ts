/** dtypes that tokens are read as. */
export type IdDType = 'int32' | 'int64';

/** Writes tokens as ids, from the beginning of `into` on. */
export function copyIds(tokens: Uint16Array | Int32Array, into: Int32Array | BigInt64Array): void {
  if (into instanceof Int32Array) {
    into.set(tokens);
    return;
  }
  // 64 bits as two halves of 32, the low one first: a BigInt for each token would take a hundred times as long.
  const halves = new Int32Array(into.buffer, into.byteOffset, 2 * tokens.length);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as number;
    halves[2 * i] = token;
    halves[2 * i + 1] = token >> 31;
  }
}
