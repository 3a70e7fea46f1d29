import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between clients and a server of this machine. */
export interface FreezingProxy {
  readonly endpoint: string;
  /** Connections of clients that are open. */
  readonly open: number;
  /** Resolves once a client sends something that is not let through, as all is until `thaw`. */
  freeze(): Promise<void>;
  thaw(): void;
  close(): Promise<void>;
}

export async function startFreezingProxy(port: number): Promise<FreezingProxy> {
  const clients = new Set<Socket>();
  let isFrozen = false;
  let waiting: { onSent: () => void; onThaw: (() => void)[] } = { onSent: () => undefined, onThaw: [] };
  const pass = (from: Socket, to: Socket, isClient: boolean): void => {
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    from.on('data', (bytes: Buffer) => {
      if (!isFrozen) to.write(bytes);
      else {
        waiting.onThaw.push(() => to.write(bytes));
        if (isClient) waiting.onSent();
      }
    });
  };
  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    const upstream = connect(port, '127.0.0.1');
    pass(client, upstream, true);
    pass(upstream, client, false);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return clients.size;
    },
    freeze() {
      isFrozen = true;
      return new Promise((resolve) => (waiting = { onSent: resolve, onThaw: [] }));
    },
    thaw() {
      isFrozen = false;
      for (const send of waiting.onThaw.splice(0)) send();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of clients) client.destroy();
      }),
  };
}
