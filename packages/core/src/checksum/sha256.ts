import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** A SHA-256 under way. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 64 hexadecimal digits, of what was added so far; more may follow. */
  hex(): string;
}

/** Starts a SHA-256, in any runtime. In Node, `#sha256` is `sha256-node.ts`. */
export function startSha256(): Sha256 {
  const hash = sha256.create();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => bytesToHex(hash.clone().digest()),
  };
}
