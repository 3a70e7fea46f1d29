import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { DataRefError } from '@dataref/core';

/** Where a worker finds who has started it, and what both know. In the environment, which other users do not see. */
export const ADDRESSES = 'DATAREF_SEND_ADDRESSES';
export const TOKEN = 'DATAREF_SEND_TOKEN';

/** For what a connection takes to be made and both sides to be known; a limit for what hangs. */
const HANDSHAKE_MS = 30_000;
const MAX_LINE_BYTES = 1024;
/** Of silence, after which the other machine is asked whether it is still there. */
const KEEP_ALIVE_MS = 30_000;

/** Where workers connect to. */
export interface Doorway {
  readonly env: Readonly<Record<string, string>>;
  close(): void;
}

/**
 * Waits for workers.
 * @param isFar whether they may be on other machines
 * @param onWorker told of each that has proved that it knows the token, and paused until it is read
 */
export async function openDoorway(isFar: boolean, onWorker: (socket: Socket) => void): Promise<Doorway> {
  const token = randomBytes(32).toString('hex');
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    void greet(socket, token).then(
      () => onWorker(socket),
      () => socket.destroy(),
    );
  });
  server.listen(0, isFar ? '0.0.0.0' : '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const addresses = isFar ? ownAddresses() : ['127.0.0.1'];
  return {
    env: { [ADDRESSES]: addresses.map((address) => `${address}:${port}`).join(','), [TOKEN]: token },
    close: () => void server.close(),
  };
}

/**
 * As a worker: the connection to who has started it.
 * @param addresses what ADDRESSES has
 * @throws DataRefError WORKER_DIED where none can be made
 */
export async function connectBack(addresses: string, token: string): Promise<Socket> {
  let failure: unknown;
  for (const address of addresses.split(',')) {
    const at = address.lastIndexOf(':');
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    try {
      await introduce(socket, token);
      return socket.setKeepAlive(true, KEEP_ALIVE_MS);
    } catch (error) {
      socket.destroy();
      failure = error;
    }
  }
  throw new DataRefError('WORKER_DIED', `no connection to who has started this worker, at ${addresses}`, {
    cause: failure,
  });
}

// Each proves to the other that it knows the token, which neither sends.

async function introduce(socket: Socket, token: string): Promise<void> {
  const mine = randomBytes(32).toString('hex');
  const signal = AbortSignal.timeout(HANDSHAKE_MS);
  await once(socket, 'connect', { signal });
  socket.write(encodeLine({ nonce: mine }));
  const { nonce, proof } = await readLine(socket, signal);
  check(proof, proofOf(token, 'parent', mine, nonce));
  socket.write(encodeLine({ proof: proofOf(token, 'worker', mine, nonce) }));
}

async function greet(socket: Socket, token: string): Promise<void> {
  const mine = randomBytes(32).toString('hex');
  const signal = AbortSignal.timeout(HANDSHAKE_MS);
  const { nonce } = await readLine(socket, signal);
  socket.write(encodeLine({ nonce: mine, proof: proofOf(token, 'parent', nonce, mine) }));
  const { proof } = await readLine(socket, signal);
  check(proof, proofOf(token, 'worker', nonce, mine));
}

function encodeLine(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

function proofOf(token: string, side: string, ofWorker: unknown, ofParent: unknown): string {
  return createHmac('sha256', token)
    .update(`${side} ${String(ofWorker)} ${String(ofParent)}`)
    .digest('hex');
}

function check(given: unknown, expected: string): void {
  const bytes = Buffer.from(String(given));
  const right = Buffer.from(expected);
  if (bytes.length !== right.length || !timingSafeEqual(bytes, right)) throw new Error('somebody else');
}

/** One line, and not a byte more: what comes after it is for others. */
async function readLine(socket: Socket, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  let line = Buffer.alloc(0);
  for (;;) {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) {
      if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended');
      await Promise.race([once(socket, 'readable', { signal }), once(socket, 'end', { signal })]);
      continue;
    }
    line = Buffer.concat([line, bytes]);
    const end = line.indexOf(10);
    if (end < 0 && line.length > MAX_LINE_BYTES) throw new Error('no line');
    if (end < 0) continue;
    if (end + 1 < line.length) socket.unshift(line.subarray(end + 1));
    return JSON.parse(line.subarray(0, end).toString('utf8')) as Readonly<Record<string, unknown>>;
  }
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const far = all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  return [...far, '127.0.0.1'];
}
