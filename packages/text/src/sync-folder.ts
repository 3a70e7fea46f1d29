import { promises as fs } from 'node:fs';

/** Makes names in a folder durable, where the system can: some open no folders. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path).catch(() => undefined);
  try {
    await folder?.sync().catch(() => undefined);
  } finally {
    await folder?.close();
  }
}
