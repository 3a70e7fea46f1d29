import { randomBytes } from 'node:crypto';
import type { ObjectStore } from '@dataref/core/store';
import { S3Store } from '../../packages/core/dist/store/s3-store.js';
import { clientConfigOf, newBucket } from '../../packages/core/test/servers/moto-buckets.js';
import { startMoto, type Server } from '../../packages/core/test/servers/servers.js';

/** An empty place on a server: as it is, and as one sees it through a port in front of the server. */
export interface Place {
  readonly direct: ObjectStore;
  readonly through: (port: number, idleTimeoutMs: number) => ObjectStore;
}

export interface Backend {
  readonly name: string;
  readonly canWrite: boolean;
  readonly start: () => Promise<Server>;
  readonly newPlace: (server: Server) => Promise<Place>;
}

const newName = (): string => randomBytes(6).toString('hex');
let bucket: Promise<string> | undefined;

const s3: Backend = {
  name: 'S3',
  canWrite: true,
  start: startMoto,
  async newPlace(server) {
    bucket ??= newBucket(server);
    const at = { bucket: await bucket, prefix: newName() };
    return {
      direct: new S3Store({ ...at, clientConfig: clientConfigOf(server) }),
      through: (port, idleTimeoutMs) =>
        new S3Store({ ...at, idleTimeoutMs, clientConfig: clientConfigOf({ endpoint: `http://127.0.0.1:${port}` }) }),
    };
  },
};

export const BACKENDS: readonly Backend[] = [s3];
