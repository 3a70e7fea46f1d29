/** Shares of a job, where records are neither few nor very many: enough for a good many workers, and little is lost with one. */
const SHARES = 32;
const LEAST_RECORDS = 128;
const MOST_RECORDS = 8192;
/** Above it shares grow instead. */
const MAX_SHARES = 4096;

/** Records start to end − 1 of a dataset, as share `part` of its result. */
export interface ShareRange {
  readonly part: number;
  readonly start: number;
  readonly end: number;
}

/**
 * How a dataset is cut into shares: by its length alone, so that the result is the same for any number of workers.
 * @param recordsPerShare undefined: a 32nd of the records, from 128 to 8192, or more where there would be more than 4096 shares
 */
export function planShares(length: number, recordsPerShare: number | undefined): ShareRange[] {
  const each = Math.max(1, recordsPerShare ?? usualRecords(length));
  const of = Math.max(1, Math.ceil(length / each));
  return Array.from({ length: of }, (_, part) => ({
    part,
    start: part * each,
    end: Math.min(length, (part + 1) * each),
  }));
}

function usualRecords(length: number): number {
  const usual = Math.min(MOST_RECORDS, Math.max(LEAST_RECORDS, Math.ceil(length / SHARES)));
  return Math.max(usual, Math.ceil(length / MAX_SHARES));
}
