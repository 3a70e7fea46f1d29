import { request } from 'node:http';
import { failed } from '../collective/checks.js';

const MAX_ANSWER_BYTES = 1 << 16;
const KEEP_ALIVE_MS = 10_000;

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The address of this machine by which the server is reached. */
  readonly localAddress: string;
}

/**
 * The HTTP server of `horovodrun`'s driver, in which its workers meet: values by scope and key.
 * @see horovod/runner/http/http_server.py of Horovod 0.28.1
 */
export class HorovodRendezvous {
  readonly #host: string;
  readonly #port: number;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** The server that the launcher names, where it names one: `horovodrun --gloo` does, `--mpi` does not. */
  static from(env: Readonly<Record<string, string | undefined>>): HorovodRendezvous | undefined {
    const { HOROVOD_GLOO_RENDEZVOUS_ADDR: host, HOROVOD_GLOO_RENDEZVOUS_PORT: port } = env;
    if (host === undefined || port === undefined || !/^\d{1,5}$/u.test(port)) return undefined;
    return new HorovodRendezvous(host, Number(port));
  }

  /** @returns undefined where there is no value. @throws DataRefError COLLECTIVE_FAILED */
  async get(scope: string, key: string, signal?: AbortSignal): Promise<string | undefined> {
    const { status, text } = await this.#ask('GET', scope, key, '', signal);
    if (status === 404) return undefined;
    return text;
  }

  /** @returns the address of this machine by which the server is reached. @throws DataRefError COLLECTIVE_FAILED */
  async put(scope: string, key: string, value: string, signal?: AbortSignal): Promise<string> {
    return (await this.#ask('PUT', scope, key, value, signal)).localAddress;
  }

  async #ask(method: string, scope: string, key: string, body: string, signal?: AbortSignal): Promise<Answer> {
    try {
      const answer = await this.#exchange({ method, path: `/${scope}/${key}`, body, signal });
      if (answer.status !== 200 && answer.status !== 404) throw new Error(`it answers ${answer.status}`);
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      const where = `Horovod's rendezvous at ${this.#host}:${this.#port}`;
      throw failed(`${where}: ${method} ${scope}: ${(error as Error).message}; the launcher may have ended`, error);
    }
  }

  #exchange({
    method,
    path,
    body,
    signal,
  }: {
    readonly method: string;
    readonly path: string;
    readonly body: string;
    readonly signal: AbortSignal | undefined;
  }): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-length': Buffer.byteLength(body) };
      const where = { host: this.#host, port: this.#port, method, path, headers, agent: false as const };
      const asked = request({ ...where, ...(signal && { signal }) }, (response) => {
        let text = '';
        const localAddress = response.socket.localAddress ?? '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) asked.destroy(new Error('it answers with more than 64 KiB'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, localAddress }));
        response.on('error', reject);
      });
      // The answer to rank_and_size may take minutes; a driver's machine that is gone is found by this.
      asked.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
