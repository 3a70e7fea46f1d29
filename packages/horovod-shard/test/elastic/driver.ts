import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

interface Slot {
  readonly host: string;
  readonly local: number;
}

/** What the launcher of elastic Horovod does, as far as its workers see it: see .ci/horovod.sh for the real one. */
export class Driver {
  readonly #server: Server;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #values = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  #plan: readonly Slot[] = [];
  #hosts: Readonly<Record<string, number>> = {};
  readonly #lost = new Set<string>();
  readonly #workers = new Map<string, ChildProcess>();
  /** Workers of this round that have asked for their next place, or ended. */
  #recorded = new Map<string, ServerResponse | undefined>();
  #hasSuccess = false;
  output = '';
  readonly ends = new Map<string, number | string>();

  constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Runs a job over hosts of so many slots until all its workers have ended. */
  async run(hosts: Readonly<Record<string, number>>): Promise<void> {
    await once(this.#server.listen({ host: '127.0.0.1', port: 0 }), 'listening');
    this.#hosts = hosts;
    const done = once(this.#server, 'close');
    this.#begin();
    await done;
  }

  kill(): void {
    for (const worker of this.#workers.values()) worker.kill('SIGKILL');
    this.#server.close();
  }

  /** Tells rank 0 that there are other hosts. */
  async change(hosts: Readonly<Record<string, number>>): Promise<void> {
    this.#hosts = hosts;
    const [first] = this.#plan;
    const value = this.#addresses.get(first === undefined ? '' : keyOf(first));
    if (value !== undefined) await this.#notify(value, 'HostsUpdatedRequest');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, scope = '', key = ''] = request.url?.split('/') ?? [];
    if (request.method === 'PUT') {
      const value = await text(request);
      if (scope === 'worker_addresses') {
        await this.#notify(value, 'PingRequest');
        this.#addresses.set(key, value);
      } else this.#values.set(`${scope}/${key}`, value);
      response.end();
    } else if (scope === 'rank_and_size') this.#record(key, response);
    else {
      const value = this.#values.get(`${scope}/${key}`);
      response.writeHead(value === undefined ? 404 : 200).end(value);
    }
  }

  #begin(): void {
    const waiting = this.#recorded;
    this.#recorded = new Map();
    this.#values.clear();
    this.#plan = Object.entries(this.#hosts)
      .filter(([host]) => !this.#lost.has(host))
      .flatMap(([host, slots]) => Array.from({ length: slots }, (_, local) => ({ host, local })));
    for (const [key, response] of waiting) response?.end(this.#placeOf(key).join(','));
    for (const slot of this.#plan) if (!this.#workers.has(keyOf(slot))) this.#start(slot);
  }

  #placeOf(key: string): readonly number[] {
    const rank = this.#plan.findIndex((slot) => keyOf(slot) === key);
    const slot = this.#plan[rank];
    if (slot === undefined) return [-1, -1, -1, -1, -1, -1];
    return [rank, this.#plan.length, slot.local, this.#hosts[slot.host] ?? 0, 0, 1];
  }

  #start(slot: Slot): void {
    const key = keyOf(slot);
    const [rank, size, localRank, localSize, crossRank, crossSize] = this.#placeOf(key).map(String);
    const env = {
      ...process.env,
      ...this.#env,
      HOROVOD_ELASTIC: '1',
      HOROVOD_HOSTNAME: slot.host,
      HOROVOD_GLOO_RENDEZVOUS_ADDR: '127.0.0.1',
      HOROVOD_GLOO_RENDEZVOUS_PORT: String((this.#server.address() as AddressInfo).port),
      HOROVOD_RANK: rank,
      HOROVOD_SIZE: size,
      HOROVOD_LOCAL_RANK: localRank,
      HOROVOD_LOCAL_SIZE: localSize,
      HOROVOD_CROSS_RANK: crossRank,
      HOROVOD_CROSS_SIZE: crossSize,
    };
    const worker = spawn(process.execPath, [WORKER, this.#folder], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#workers.set(key, worker);
    for (const stream of [worker.stdout, worker.stderr])
      stream.setEncoding('utf8').on('data', (words: string) => (this.output += words));
    worker.on('close', (code, signal) => {
      this.ends.set(key, code ?? signal ?? '');
      this.#workers.delete(key);
      if (code === 0) this.#hasSuccess ||= this.#placeOf(key)[0] !== -1;
      else this.#lost.add(slot.host);
      if (this.#workers.size === 0) this.#server.close();
      else this.#record(key, undefined);
    });
  }

  #record(key: string, response: ServerResponse | undefined): void {
    if (this.#placeOf(key)[0] === -1) return;
    this.#recorded.set(key, response);
    if (this.#recorded.size === this.#plan.length && !this.#hasSuccess) this.#begin();
  }

  /** A message to a worker's service, as its pickled address and key say, which must be answered. */
  async #notify(value: string, name: string): Promise<void> {
    const pickled = Buffer.from(value, 'base64');
    const key = pickled.subarray(-34, -2);
    const port = pickled.readUInt32LE(pickled.indexOf('J') + 1);
    const message = Buffer.from(`chorovod\n${name}\n.`);
    const length = Buffer.alloc(4);
    length.writeInt32LE(message.byteLength);
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(Buffer.concat([createHmac('sha256', key).update(message).digest(), length, message]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const body = answer.subarray(36);
    if (!createHmac('sha256', key).update(body).digest().equals(answer.subarray(0, 32))) throw new Error('unsigned');
    socket.destroy();
  }
}

function keyOf({ host, local }: Slot): string {
  return `${host}:${local}`;
}
