import type { Place } from './places.js';

const LEAST_MS = 50;
const MOST_MS = 1000;
const PROBES = 8;

/** An idle timeout for tests: 50 ms, and more where the machine is so busy that answers without a fault take a sixth of it. */
export async function patienceMs(place: Place, port: number): Promise<number> {
  await place.direct.put('probe', new Uint8Array(10_000));
  const store = place.through(port, 30_000);
  const probe = async (): Promise<number> => {
    const begunMs = performance.now();
    await store.get('probe', 10_000);
    return performance.now() - begunMs;
  };
  await probe(); // which loads what the others need
  const first = await Promise.all(Array.from({ length: PROBES }, probe));
  const second = await Promise.all(Array.from({ length: PROBES }, probe));
  await place.direct.delete('probe');
  return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, 6 * Math.max(...first, ...second))));
}
