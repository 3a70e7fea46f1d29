import type { Fault, ProxiedRequest } from './fault-proxy.js';

/** Draws what goes wrong with requests, of which a share is left alone. Every fault passes: the next request may be served. */
export function randomFaults(random: () => number, share: number): (request: ProxiedRequest) => Fault | undefined {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const status = (codes: readonly number[]): Fault => ({
    kind: 'status',
    status: codes[upTo(codes.length - 1)] as number,
  });
  const any: readonly (() => Fault)[] = [
    () => status([500, 502, 503, 429]),
    () => ({ kind: 'status', status: 503, retryAfter: '0' }),
    () => ({ kind: 'hang-up' }),
    () => ({ kind: 'lose-answer' }),
    () => ({ kind: 'blackhole' }),
  ];
  const reading: readonly (() => Fault)[] = [
    ...any,
    () => ({ kind: 'reset', after: upTo(3000) }),
    () => ({ kind: 'end', after: upTo(3000) }),
    () => ({ kind: 'stall', after: upTo(3000) }),
    () => ({ kind: 'slow', pieces: 1 + upTo(5), delayMs: upTo(20) }),
  ];
  /** Only what has checksums is held against them: neither a listing nor an object's description. */
  const readingData: readonly (() => Fault)[] = [
    ...reading,
    () => ({ kind: 'short', byteLength: upTo(3000) }),
    () => ({ kind: 'flip', at: upTo(100_000) }),
  ];
  const writing: readonly (() => Fault)[] = [
    ...any,
    () => status([409]),
    () => ({ kind: 'cut-upload', after: upTo(3000) }),
  ];
  const flips = new Map<string, number>();
  return (request) => {
    if (random() >= share) return undefined;
    const { method, url, range } = request;
    const faults = method !== 'GET' && method !== 'HEAD' ? writing : asksForData(request) ? readingData : reading;
    const fault = faults[upTo(faults.length - 1)]?.();
    if (fault?.kind !== 'flip') return fault;
    // What comes damaged three times is told as damaged: here each passes before.
    const asked = `${url} ${range}`;
    flips.set(asked, (flips.get(asked) ?? 0) + 1);
    return (flips.get(asked) as number) > 1 ? undefined : fault;
  };
}

/** Whether the answer is what is in an object, all of it or a range. */
export function asksForData({ method, url, range }: ProxiedRequest): boolean {
  return method === 'GET' && (range !== undefined || /dataset\.json(?:\?alt=media.*)?$|x-id=GetObject/u.test(url));
}
