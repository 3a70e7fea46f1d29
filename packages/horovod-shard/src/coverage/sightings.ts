import type { Run } from './runs.js';

/** Where a record was seen. */
export interface Sighting {
  readonly run: number;
  readonly rank: number;
  readonly step: number;
}

/** Of sightings that are kept; of more there is only the number. */
const MOST = 8;

/** Who saw a record: in steps that count (the first of them, and how often), and in steps that are void. */
export async function sightingsOf(
  epoch: number,
  index: number,
  runs: readonly Run[],
): Promise<{ readonly valid: Sighting[]; readonly times: number; readonly forgotten: Sighting[] }> {
  const valid: Sighting[] = [];
  const forgotten: Sighting[] = [];
  let times = 0;
  for (const { run, end, ranks } of runs) {
    for (const log of ranks) {
      if (log === undefined) continue;
      for await (const entry of log.entries) {
        if (entry.epoch !== epoch) continue;
        for (let i = 0; i < entry.indices.length; i++) {
          if (entry.indices[i] !== index) continue;
          const list = entry.step < end ? valid : forgotten;
          if (entry.step < end) times++;
          if (list.length < MOST) list.push({ run, rank: log.rank, step: entry.step });
        }
      }
    }
  }
  return { valid, times, forgotten };
}

export function describe(sightings: readonly Sighting[], times: number): string {
  const more = times > sightings.length ? ` and ${times - sightings.length} more` : '';
  return sightings.map(({ run, rank, step }) => `run ${run}, rank ${rank}, step ${step}`).join('; ') + more;
}
