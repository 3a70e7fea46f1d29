import { statfsSync } from 'node:fs';

/** File systems whose reads may wait for a network, by statfs(2) type: never read in the main thread. */
const NETWORK_TYPES = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x0bd00bd0, 0x00c36400, 0x47504653, 0x5346414f,
  0x61756673,
]);

/** The folder asked for last, since a dataset's files are opened one after another. */
let asked = { folder: '', isLocal: true };

/** Whether a folder is on a disk of this machine, for which a thread may wait. */
export function isLocal(folder: string): boolean {
  if (asked.folder === folder) return asked.isLocal;
  try {
    asked = { folder, isLocal: !NETWORK_TYPES.has(statfsSync(folder).type >>> 0) };
    return asked.isLocal;
  } catch {
    return true; // perhaps there is none yet
  }
}
