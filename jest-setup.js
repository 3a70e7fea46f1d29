import { expect } from '@jest/globals';

// Arrays of the same bytes are equal, which jest finds out element by element. Of others it says itself how they differ.
expect.addEqualityTesters([
  (a, b) => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
    const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
    return bytesOf(a).equals(bytesOf(b)) ? true : undefined;
  },
]);
