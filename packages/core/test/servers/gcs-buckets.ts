import { randomBytes } from 'node:crypto';
import type { StorageOptions } from '@google-cloud/storage';
import type { Server } from './servers.js';

/** What reaches a server as one reaches an emulator: without credentials. */
export function storageOptionsOf({ endpoint }: Pick<Server, 'endpoint'>): StorageOptions {
  return { apiEndpoint: endpoint, projectId: 'test', useAuthWithCustomEndpoint: false };
}

/** Makes a bucket of a new name. */
export async function newBucket({ endpoint }: Pick<Server, 'endpoint'>): Promise<string> {
  const name = `test-${randomBytes(6).toString('hex')}`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ name });
  const response = await fetch(`${endpoint}/storage/v1/b?project=test`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`no bucket was made: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return name;
}
