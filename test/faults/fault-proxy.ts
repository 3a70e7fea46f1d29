import { Agent, createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What goes wrong with one request. `after` and `at` count bytes of a body. */
export type Fault =
  /** The answer's connection is reset, or ended, or falls silent. */
  | { readonly kind: 'reset' | 'end' | 'stall'; readonly after: number; readonly meanwhile?: () => Promise<unknown> }
  /** The answer comes in so many pieces, each after a while. */
  | { readonly kind: 'slow'; readonly pieces: number; readonly delayMs: number }
  /** A byte of the answer is another one. */
  | { readonly kind: 'flip'; readonly at: number }
  /** The answer has so many bytes, and says that it should have no more. */
  | { readonly kind: 'short'; readonly byteLength: number }
  /** The server knows no ranges. */
  | { readonly kind: 'ignore-range' }
  /** The server does nothing but say this. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** The server does what it should, and nobody hears of it. */
  | { readonly kind: 'lose-answer' }
  /** The connection ends, or falls silent, and the server knows of nothing. */
  | { readonly kind: 'hang-up' | 'blackhole' }
  /** The connection ends in the midst of what is sent. */
  | { readonly kind: 'cut-upload'; readonly after: number };

export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

const HOP_BY_HOP = /^(?:connection|keep-alive|transfer-encoding|expect)$/iu;

/** Stands between a client and a server on this machine, and spoils what `faultOf` says. */
export class FaultProxy {
  /** What is to go wrong with a request; nothing when it returns undefined. */
  faultOf: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  /** Every request, in order. */
  readonly requests: (ProxiedRequest & { readonly fault: Fault | undefined })[] = [];
  readonly #targetPort: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;
  #port = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** One request of those for which `matches` holds goes wrong so, each once; the others are left alone. */
  spoil(faults: readonly Fault[], matches: (request: ProxiedRequest) => boolean = () => true): void {
    const left = [...faults];
    this.faultOf = (request) => (matches(request) ? left.shift() : undefined);
  }

  /** Connections are refused for a while. */
  async refuse(timeMs: number): Promise<void> {
    await this.#unlisten();
    await delay(timeMs);
    await this.#listen();
  }

  async close(): Promise<void> {
    await this.#unlisten();
    this.#agent.destroy();
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #unlisten(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const asked = { method, url, range: headers.range };
    const fault = this.faultOf(asked);
    this.requests.push({ ...asked, fault });
    if (fault?.kind === 'hang-up') return void request.socket.destroy();
    const sent = await bodyOf(request, fault?.kind === 'cut-upload' ? fault.after : Infinity);
    if (sent === undefined) return void request.socket.destroy();
    if (fault?.kind === 'blackhole') return;
    if (fault?.kind === 'status') return refuse(response, method, fault);
    const answer = await this.#pass(request, sent, fault?.kind === 'ignore-range');
    if (fault?.kind === 'lose-answer') return void request.socket.destroy();
    await spoiled(response, method, answer, fault);
  }

  async #pass(request: IncomingMessage, sent: Uint8Array, ignoresRange: boolean): Promise<Answer> {
    const headers = Object.fromEntries(
      pairsOf(request.rawHeaders).filter(
        ([name]) => !HOP_BY_HOP.test(name) && !(ignoresRange && /^range$/iu.test(name)),
      ),
    );
    const { method, url: path } = request;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      const passed = ask({ host: '127.0.0.1', port: this.#targetPort, method, path, headers, agent: this.#agent });
      passed.on('response', resolve).on('error', reject).end(sent);
    });
    const answer = await answered;
    const body = (await bodyOf(answer, Infinity)) as Uint8Array;
    // A server that names its own address, as that of an upload, means the one that it is asked under.
    const named = `127.0.0.1:${this.#targetPort}`;
    const answerHeaders = pairsOf(answer.rawHeaders).map(
      ([name, value]) => [name, value.replaceAll(named, `127.0.0.1:${this.#port}`)] as const,
    );
    return { status: answer.statusCode ?? 0, headers: answerHeaders, body };
  }
}

/** A whole body; undefined where it has more bytes than `limitBytes`. */
async function bodyOf(message: IncomingMessage, limitBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    byteLength += chunk.length;
    if (byteLength > limitBytes) return undefined;
  }
  return Buffer.concat(chunks);
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] as string] as [string, string]] : []));
}

function refuse(response: ServerResponse, method: string, { status, retryAfter }: Fault & { kind: 'status' }): void {
  const text = `<?xml version="1.0"?><Error><Code>Fault${status}</Code><Message>injected</Message></Error>`;
  const headers = { 'content-type': 'application/xml', 'content-length': text.length };
  response.writeHead(status, retryAfter === undefined ? headers : { ...headers, 'retry-after': retryAfter });
  response.end(method === 'HEAD' ? undefined : text);
}

async function spoiled(
  response: ServerResponse,
  method: string,
  { status, headers, body: whole }: Answer,
  fault: Fault | undefined,
): Promise<void> {
  const body = fault?.kind === 'short' ? whole.subarray(0, fault.byteLength) : whole;
  const kept = headers.filter(
    ([name]) => !HOP_BY_HOP.test(name) && (method === 'HEAD' || !/^content-length$/iu.test(name)),
  );
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
  response.writeHead(status, [...kept, ...(hasBody ? [['content-length', String(body.length)]] : [])].flat());
  if (fault?.kind === 'flip' && body.length > 0) (body[fault.at % body.length] as number) ^= 1 << (fault.at & 7);
  if (fault?.kind === 'slow') {
    const pieceBytes = Math.ceil(body.length / fault.pieces);
    for (let start = 0; start < body.length; start += pieceBytes) {
      response.write(body.subarray(start, start + pieceBytes));
      await delay(fault.delayMs);
    }
    response.end();
    return;
  }
  if (fault?.kind !== 'reset' && fault?.kind !== 'end' && fault?.kind !== 'stall') return void response.end(body);
  await new Promise<void>((resolve) => {
    response.flushHeaders();
    response.write(fault.after === 0 ? '' : body.subarray(0, fault.after), () => resolve());
    response.on('close', resolve);
  });
  await fault.meanwhile?.();
  if (fault.kind === 'reset') response.socket?.resetAndDestroy();
  if (fault.kind === 'end') response.socket?.end();
}
