import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server } from './servers.js';

export type Script = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers as a test wants it. */
export interface ScriptedServer extends Server {
  script: Script;
  /** Method and path of each request. */
  readonly requests: string[];
}

export async function startScripted(): Promise<ScriptedServer> {
  const requests: string[] = [];
  const http = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    scripted.script(request, response);
  });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const scripted: ScriptedServer = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    requests,
    script: (_, response) => void response.writeHead(500).end(),
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return scripted;
}

/** Answers as S3 does when it fails. */
export function s3Failure(status: number, code: string, headers: Record<string, string> = {}): Script {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQ1', ...headers });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>as ${code}</Message></Error>`);
  };
}
