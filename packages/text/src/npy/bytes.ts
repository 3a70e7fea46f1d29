/** The bytes of an array, which they share, as the files hold them: little-endian, as is all that Node is built for but s390x and AIX. */
export function bytesOf(array: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
