/** A copy on the disk, and what is known of its future. */
export interface Candidate {
  readonly id: string;
  readonly byteLength: number;
  /** When it was used last, in ms since 1970. */
  readonly usedMs: number;
  /** Its place among all that will be needed, 0 soonest; Infinity when no forecast names it. */
  readonly rank: number;
  /**
   * It has to stay for now, whatever the forecasts say: it was downloaded and has not yet given as many bytes as it
   * took, or it is being used by another process, whose forecasts are not known here.
   */
  readonly isBound: boolean;
}

/** What asks for room. */
export interface Claim {
  readonly rank: number;
  /** Whether copies that a forecast names may go for it, where they are needed later. */
  readonly displacesNamed: boolean;
}

/**
 * Which copies must go for `neededBytes` more: those needed last, of equals those used longest ago. Undefined where one
 * of them is needed sooner than what is to come in: then that stays outside (Belady's rule with bypass).
 * Without a claim nothing is known of the future, and all may go.
 * @see L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5 (1966)
 */
export function chooseVictims(
  candidates: readonly Candidate[],
  neededBytes: number,
  claim: Claim | undefined,
): readonly Candidate[] | undefined {
  const victims: Candidate[] = [];
  let missing = neededBytes;
  for (const candidate of candidates.toSorted(byNeed)) {
    if (missing <= 0) break;
    if (claim !== undefined && !mayGo(candidate, claim)) continue;
    victims.push(candidate);
    missing -= candidate.byteLength;
  }
  if (missing > 0) return undefined;
  // A large one may have made smaller ones needless that were chosen before it.
  return victims.toReversed().filter(({ byteLength }) => {
    if (missing + byteLength > 0) return true;
    missing += byteLength;
    return false;
  });
}

function mayGo({ rank, isBound }: Candidate, claim: Claim): boolean {
  if (isBound) return false;
  return rank === Infinity || (claim.displacesNamed && rank > claim.rank);
}

/** Needed last first, then used longest ago first. */
function byNeed(a: Candidate, b: Candidate): number {
  if (a.rank !== b.rank) return a.rank > b.rank ? -1 : 1;
  return a.usedMs - b.usedMs;
}
