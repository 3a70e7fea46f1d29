import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from '@jest/globals';
import { freePort } from '../free-port.js';
import { pythonWithServers } from './python-environment.js';

const RUN_SERVER = fileURLToPath(new URL('run_server.py', import.meta.url));
const START_MS = 60_000;

export interface Server {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  readonly port: number;
  close(): Promise<void>;
}

/** moto: S3 as far as these tests need it. */
export async function startMoto(): Promise<Server> {
  return start('moto', '/moto-api/');
}

/** fake-gcs-server: Google Cloud Storage as far as these tests need it. */
export async function startFakeGcs(): Promise<Server> {
  return start('fake-gcs', '/storage/v1/b');
}

/**
 * Tests that need a server, which fail where it cannot be had: `npm test` leaves out the files that need one.
 * @param startServer called once, before the tests of this file are known
 */
export async function describeWithServer(
  name: string,
  startServer: () => Promise<Server>,
  body: (server: Server) => void,
): Promise<void> {
  const server = await startServer().catch((cause: unknown) => {
    throw new Error(`${name}: its server cannot be had. It needs python3 with venv and pip: ${String(cause)}`, {
      cause,
    });
  });
  describe(name, () => {
    afterAll(() => server.close());
    body(server);
  });
}

async function start(kind: 'moto' | 'fake-gcs', path: string): Promise<Server> {
  const python = await pythonWithServers();
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const child = spawn(python, [RUN_SERVER, kind, String(port)], { stdio: ['pipe', 'ignore', 'inherit'] });
    const endpoint = `http://127.0.0.1:${port}`;
    if (await answers(child, `${endpoint}${path}`)) return { endpoint, port, close: () => end(child) };
    await end(child);
    if (attempt === 3) throw new Error(`${kind} did not start`); // the port may have been taken meanwhile
  }
}

async function answers(child: ChildProcess, url: string): Promise<boolean> {
  const until = Date.now() + START_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < until) {
    const isThere = await fetch(url).then(
      async (response) => (await response.arrayBuffer(), true),
      () => false,
    );
    if (isThere) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await ended;
}
