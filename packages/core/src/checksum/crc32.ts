type Crc32 = (bytes: Uint8Array, start?: number) => number;

interface HostProcess {
  getBuiltinModule?(name: 'node:zlib'): { readonly crc32?: Crc32 };
}

/**
 * CRC-32 (ISO-HDLC, as in zlib) of bytes, going on from `start`. Node's own where there is one, else a table.
 * @see RFC 1952 section 8
 */
export const crc32: Crc32 =
  (globalThis as { process?: HostProcess }).process?.getBuiltinModule?.('node:zlib').crc32 ?? crc32ByTable;

let table: Uint32Array | undefined;

export function crc32ByTable(bytes: Uint8Array, start = 0): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    return rest;
  });
  let crc = ~start;
  for (let i = 0; i < bytes.length; i++) crc = (table[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
