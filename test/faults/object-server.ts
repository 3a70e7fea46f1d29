import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStore } from '@dataref/core/store';

export interface ObjectServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Shows a store over HTTP, as servers of files do: ranges, strong ETags, If-Match.
 * @see https://www.rfc-editor.org/rfc/rfc9110
 */
export async function serveObjects(store: ObjectStore): Promise<ObjectServer> {
  const answer = async (
    response: ServerResponse,
    method: string | undefined,
    url: string,
    range: string | undefined,
    ifMatch: string | undefined,
  ): Promise<void> => {
    const held = await store.get(decodeURIComponent(url.slice(1)), 2 ** 31);
    if (held === undefined) return void response.writeHead(404).end();
    const etag = `"${held.version}"`;
    if (ifMatch !== undefined && ifMatch !== etag) return void response.writeHead(412).end();
    const found = /^bytes=(\d+)-(\d+)$/u.exec(range ?? '');
    const [start, end] = [Number(found?.[1] ?? 0), Math.min(Number(found?.[2] ?? Infinity) + 1, held.bytes.length)];
    const body = held.bytes.subarray(start, end);
    response.writeHead(found === null ? 200 : 206, {
      etag,
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      'content-length': body.length,
      'last-modified': new Date(0).toUTCString(),
      ...(found !== null && { 'content-range': `bytes ${start}-${end - 1}/${held.bytes.length}` }),
    });
    response.end(method === 'HEAD' ? undefined : body);
  };
  const server = createServer(({ method, url = '', headers }, response) => {
    answer(response, method, url, headers.range, headers['if-match']).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
