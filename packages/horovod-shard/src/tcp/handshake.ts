import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { failed } from '../collective/checks.js';
import type { Wire } from './wire.js';

// Rank 0 sends a challenge; who comes answers with its rank, the world's size, a challenge of its own, and a proof that it
// knows the secret; and rank 0, once all ranks are there, proves the same, or says why not, with a proof too where it can.
// What comes after the handshake is neither encrypted nor authenticated.
const CHALLENGE = Buffer.from('DRC1');
const HELLO = Buffer.from('DRH1');
const ANSWER = Buffer.from('DRA1');
const NONCE_BYTES = 32;
const MAC_BYTES = 32;
const NO_PROOF = Buffer.alloc(MAC_BYTES);
const MAX_REASON_BYTES = 512;

/** Rank 0 has said no, and proved that it is rank 0: trying again would not help. */
export class Refused extends Error {}
/** What answers has not proved that it is rank 0, which may come yet. */
export class Doubtful extends Error {}

/** Who has come, as it proved. */
export interface Guest {
  readonly rank: number;
  readonly size: number;
  /** Lets it in. */
  readonly welcome: () => Promise<void>;
  readonly refuse: (reason: string) => Promise<void>;
}

/** Rank 0's side. @throws what makes the guest a stranger */
export async function receive(wire: Wire, secret: string): Promise<Guest> {
  const challenge = randomBytes(NONCE_BYTES);
  await wire.write(CHALLENGE, challenge);
  const hello = await readAfter(wire, HELLO, 8 + NONCE_BYTES + MAC_BYTES);
  const said = hello.subarray(0, 8 + NONCE_BYTES);
  if (!timingSafeEqual(hello.subarray(said.byteLength), proof(secret, 'guest', challenge, said))) {
    await refuse(wire, 'its secret (DATAREF_SECRET) or the name of its job is another than that of rank 0');
    throw new Error('a peer with another secret or name of its job');
  }
  return {
    rank: hello.readUInt32LE(0),
    size: hello.readUInt32LE(4),
    welcome: () => wire.write(ANSWER, Buffer.from([0, 0, 0]), proof(secret, 'host', challenge, said)),
    refuse: (reason) => refuse(wire, reason, (text) => proof(secret, 'refusal', challenge, said, text)),
  };
}

async function refuse(wire: Wire, reason: string, prove: (text: Buffer) => Buffer = () => NO_PROOF): Promise<void> {
  const text = Buffer.from(reason).subarray(0, MAX_REASON_BYTES);
  const head = Buffer.from([1, 0, 0]);
  head.writeUInt16LE(text.byteLength, 1);
  await wire.write(ANSWER, head, prove(text), text);
}

/** What rank 0 sends to whoever comes, at once. */
export async function challengeOf(wire: Wire): Promise<Buffer> {
  return readAfter(wire, CHALLENGE, NONCE_BYTES);
}

/**
 * The side of each other rank, which has been challenged; done when rank 0 has all.
 * @throws Refused, Doubtful, and what makes the host a stranger
 */
export async function introduce(
  wire: Wire,
  challenge: Buffer,
  { rank, size }: { readonly rank: number; readonly size: number },
  secret: string,
): Promise<void> {
  const said = Buffer.concat([Buffer.alloc(8), randomBytes(NONCE_BYTES)]);
  said.writeUInt32LE(rank, 0);
  said.writeUInt32LE(size, 4);
  await wire.write(HELLO, said, proof(secret, 'guest', challenge, said));
  const answer = await readAfter(wire, ANSWER, 3 + MAC_BYTES);
  if (answer[0] !== 0) {
    const reason = Buffer.alloc(Math.min(answer.readUInt16LE(1), MAX_REASON_BYTES));
    await wire.read(reason);
    const isProved = timingSafeEqual(answer.subarray(3), proof(secret, 'refusal', challenge, said, reason));
    const words = reason.toString().replaceAll(/[^\x20-\x7e]/g, '?');
    throw new (isProved ? Refused : Doubtful)(`rank 0 refuses rank ${rank} of ${size}: ${words}`);
  }
  if (!timingSafeEqual(answer.subarray(3), proof(secret, 'host', challenge, said)))
    throw new Doubtful('what answers as rank 0 does not know the secret (DATAREF_SECRET)');
}

async function readAfter(wire: Wire, magic: Buffer, byteLength: number): Promise<Buffer> {
  const start = Buffer.alloc(magic.byteLength);
  await wire.read(start);
  if (!start.equals(magic)) throw failed('what answers is no rank of a DataRef job, or of another version');
  const rest = Buffer.alloc(byteLength);
  await wire.read(rest);
  return rest;
}

/** All but the last of what is proved has a fixed length. */
function proof(secret: string, side: 'guest' | 'host' | 'refusal', ...said: readonly Buffer[]): Buffer {
  const mac = createHmac('sha256', secret).update(side);
  for (const bytes of said) mac.update(bytes);
  return mac.digest();
}
