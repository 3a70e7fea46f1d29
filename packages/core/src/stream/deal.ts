/** Who shares a sequence. */
export interface World {
  readonly rank: number;
  readonly shards: number;
}

/** Of `count` outputs dealt out by turns: how many rank `rank` of `shards` gets. */
export function shareOf(count: number, rank: number, shards: number): number {
  return count === Infinity ? Infinity : Math.max(0, Math.ceil((count - rank) / shards));
}
