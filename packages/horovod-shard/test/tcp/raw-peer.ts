import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const sockets: Socket[] = [];

/** Closes the sockets of a test. */
export function destroyPeers(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
}

/** A connection, of which errors are of no matter. */
export function connectTo(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Reads just so many bytes of a socket. */
export async function take(socket: Socket, byteLength: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(byteLength) as Buffer | null;
    if (bytes !== null) return bytes;
    await once(socket, 'readable');
  }
}

export interface Hello {
  readonly port: number;
  readonly rank: number;
  readonly size: number;
  readonly secret?: string;
}

const proof = (secret: string, side: string, challenge: Buffer, said: Buffer) =>
  createHmac('sha256', secret).update(side).update(challenge).update(said).digest();

/** A rank that knows the protocol, and may break it: introduces itself, and is there when its hello is sent. */
export async function rawPeer({ port, rank, size, secret = '' }: Hello): Promise<Socket> {
  const socket = connectTo(port);
  const challenge = (await take(socket, 36)).subarray(4);
  const said = Buffer.concat([Buffer.alloc(8), randomBytes(32)]);
  said.writeUInt32LE(rank, 0);
  said.writeUInt32LE(size, 4);
  socket.write(Buffer.concat([Buffer.from('DRH1'), said, proof(secret, 'guest', challenge, said)]));
  return socket;
}

/** A rank 0 of a world of 2 that knows the protocol, and may break it. */
export async function rawHost(port: number): Promise<Socket> {
  const server = createServer().listen({ host: '127.0.0.1', port });
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  sockets.push(socket);
  socket.on('error', () => undefined);
  const challenge = randomBytes(32);
  socket.write(Buffer.concat([Buffer.from('DRC1'), challenge]));
  const said = (await take(socket, 76)).subarray(4, 44);
  socket.write(Buffer.concat([Buffer.from('DRA1'), Buffer.alloc(3), proof('', 'host', challenge, said)]));
  return socket;
}

/** What stands before a payload of floats. */
export function header(
  kind: number,
  { length = 0, turn = 0 }: { readonly length?: number; readonly turn?: number },
): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32LE(0x44524631, 0);
  bytes[4] = kind;
  bytes[5] = kind === 0 ? 6 : 0; // Float32Array; a part is of bytes
  bytes.writeDoubleLE(turn, 8);
  bytes.writeDoubleLE(length, 16);
  return bytes;
}

/** Does it again until somebody listens. */
export async function retry<T>(act: () => Promise<T>): Promise<T> {
  for (let left = 200; ; left--) {
    try {
      return await act();
    } catch (error) {
      if (left === 0 || (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
