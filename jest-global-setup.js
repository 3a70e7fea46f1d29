// Tests run the bundle: where a source is newer, they would tell of what it was before.
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CORE = fileURLToPath(new URL('packages/core/', import.meta.url));

export default function refuseStaleBundle() {
  const bundledMs = statSync(`${CORE}dist/bundle`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(`${CORE}src`, { recursive: true, encoding: 'utf8' });
  const newer = sources.find((path) => statSync(`${CORE}src/${path}`).mtimeMs > bundledMs);
  if (newer !== undefined) throw new Error(`packages/core/src/${newer} is newer than the bundle: npm run build`);
}
