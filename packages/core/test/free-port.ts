import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give out by themselves (32768 on Linux), so that no connection has taken one meanwhile. */
const FROM = 10_000;
const BELOW = 32_000;

/** A port of the loopback that nobody listens at. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** Ports of the loopback in a row. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = randomInt(FROM, BELOW - count);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ host: '127.0.0.1', port });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
