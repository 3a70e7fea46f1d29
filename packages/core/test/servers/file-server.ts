import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { contentVersion } from '../../dist/store/content-version.js';

export interface FileServerOptions {
  /** Default: strong, the version that a FileStore in the folder gives. */
  readonly etag?: 'strong' | 'weak' | 'none';
  /** Whether it honours If-Match, as not all servers do. Default: true. */
  readonly checksConditions?: boolean;
  /** Answers in its place where it returns true. */
  readonly intercept?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

export interface FileServer {
  readonly url: string;
  readonly requests: IncomingMessage[];
  /** Connections that were ever made. */
  readonly connections: number;
  /** Answers that are neither whole nor cut off. */
  readonly openAnswers: number;
  intercept: FileServerOptions['intercept'];
  close(): Promise<void>;
}

/** A server of the files below a folder, as common ones are: ranges, ETag, Last-Modified, conditions. */
export async function serveFolder(folder: string, options: FileServerOptions = {}): Promise<FileServer> {
  const { etag = 'strong', checksConditions = true } = options;
  const requests: IncomingMessage[] = [];
  const tags = new Map<string, string>();
  let connections = 0;
  let openAnswers = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    openAnswers++;
    response.on('close', () => openAnswers--);
    if (served.intercept?.(request, response) === true) return;
    serve(request, response).catch(() => response.destroy());
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname));
    const handle = await open(join(folder, path)).catch(() => undefined);
    try {
      await serveFile(handle, request, response);
    } finally {
      await handle?.close();
    }
  }

  async function serveFile(
    handle: FileHandle | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const file = await handle?.stat({ bigint: true });
    if (handle === undefined || file?.isFile() !== true) return void response.writeHead(404).end('no such file');
    const size = Number(file.size);
    const seen = `${file.ino} ${file.mtimeNs} ${size}`;
    const tag = tags.get(seen) ?? `"${contentVersion(await handle.readFile())}"`;
    tags.set(seen, tag);
    response.setHeader('last-modified', file.mtime.toUTCString());
    response.setHeader('accept-ranges', 'bytes');
    if (etag !== 'none') response.setHeader('etag', etag === 'weak' ? `W/${tag}` : tag);
    if (checksConditions) {
      const { 'if-match': match, 'if-unmodified-since': since } = request.headers;
      const isOther = match !== undefined && match !== tag;
      const isLater = since !== undefined && Math.floor(Number(file.mtimeMs) / 1000) * 1000 > Date.parse(since);
      if (isOther || isLater) return void response.writeHead(412).end();
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/u.exec(request.headers.range ?? '') ?? [];
    const start = Number(first ?? 0);
    const end = Math.min(size, Number(last ?? size) + 1);
    if (first !== undefined && start >= size)
      return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    const range = first === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` };
    response.writeHead(first === undefined ? 200 : 206, { 'content-length': end - start, ...range });
    if (request.method === 'HEAD' || end === start) return void response.end();
    await pipeline(handle.createReadStream({ start, end: end - 1, autoClose: false }), response);
  }

  const served: FileServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    get connections() {
      return connections;
    },
    get openAnswers() {
      return openAnswers;
    },
    intercept: options.intercept,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return served;
}
