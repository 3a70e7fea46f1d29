import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type ObjectStore } from '@dataref/core/store';
import { FileStore } from '../../packages/core/dist/store/file-store.js';
import { GCSStore } from '../../packages/core/dist/store/gcs-store.js';
import { HttpStore } from '../../packages/core/dist/store/http-store.js';
import { S3Store } from '../../packages/core/dist/store/s3-store.js';
import { serveFolder } from '../../packages/core/test/servers/file-server.js';
import { newBucket as newGcsBucket, storageOptionsOf } from '../../packages/core/test/servers/gcs-buckets.js';
import { clientConfigOf, newBucket } from '../../packages/core/test/servers/moto-buckets.js';
import { startFakeGcs, startMoto, type Server } from '../../packages/core/test/servers/servers.js';
import { tempFolder } from '../../packages/core/test/temp-folder.js';

/** An empty place on a server: as it is, and as one sees it through a port in front of the server. */
export interface Place {
  readonly direct: ObjectStore;
  readonly through: (port: number, idleTimeoutMs: number) => ObjectStore;
}

export interface Backend {
  readonly name: string;
  readonly canWrite: boolean;
  /** Epochs under faults drawn at random: 500 over all backends. */
  readonly schedules: number;
  readonly start: () => Promise<Server>;
  readonly newPlace: (server: Server) => Promise<Place>;
}

const newName = (): string => randomBytes(6).toString('hex');
let bucket: Promise<string> | undefined;

export const s3: Backend = {
  name: 'S3',
  canWrite: true,
  schedules: 100,
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

let gcsBucket: Promise<string> | undefined;

export const gcs: Backend = {
  name: 'GCS',
  canWrite: true,
  schedules: 150,
  start: startFakeGcs,
  async newPlace(server) {
    gcsBucket ??= newGcsBucket(server);
    const at = { bucket: await gcsBucket, prefix: newName() };
    return {
      direct: new GCSStore({ ...at, storageOptions: storageOptionsOf(server) }),
      through: (port, idleTimeoutMs) =>
        new GCSStore({
          ...at,
          idleTimeoutMs,
          storageOptions: storageOptionsOf({ endpoint: `http://127.0.0.1:${port}` }),
        }),
    };
  },
};

const folder = tempFolder();

/** Written in a folder, and read through a server of files. */
export const http: Backend = {
  name: 'HTTP',
  canWrite: false,
  schedules: 250,
  async start() {
    const server = await serveFolder(folder);
    const { url } = server;
    return { endpoint: url.slice(0, -1), port: Number(new URL(url).port), close: () => server.close() };
  },
  async newPlace() {
    const name = newName();
    return {
      direct: new FileStore(join(folder, name)),
      through: (port, idleTimeoutMs) => new HttpStore(`http://127.0.0.1:${port}/${name}/`, { idleTimeoutMs }),
    };
  },
};
