import { decodeManifest } from '../../packages/core/dist/format/manifest.js';
import { partFiles } from '../../packages/core/dist/format/part-files.js';
import type { Place } from './place.js';

/** Files of the datasets that a place has, and no others, in order. */
export async function committedFiles(place: Place): Promise<string[]> {
  const files: string[] = [];
  for await (const { id, version } of place.storage.list()) {
    const folder = `${id}/${version}`;
    const text = await place.read(`${folder}/dataset.json`);
    const manifest = decodeManifest(new TextEncoder().encode(text), 'here', id, version);
    files.push(`${folder}/dataset.json`, ...partFiles(manifest).map(({ path }) => `${folder}/data/${path}`));
  }
  return files.sort();
}
