/**
 * The least bytes that can be fetched for a sequence of accesses by whoever keeps `capacityBytes` of what it fetched: what is
 * needed latest of all goes first, and what would go at once is not kept. For items of equal size no way needs less.
 * @see Belady, "A Study of Replacement Algorithms for a Virtual-Storage Computer" (1966)
 * @param trace items as numbers from 0
 */
export function leastBytes(trace, sizes, capacityBytes) {
  const nextUse = new Float64Array(trace.length);
  const upcoming = new Float64Array(sizes.length).fill(Infinity);
  for (let i = trace.length - 1; i >= 0; i--) {
    nextUse[i] = upcoming[trace[i]];
    upcoming[trace[i]] = i;
  }
  /** When each kept item is needed next. */
  const kept = new Map();
  const latest = new LatestFirst();
  let used = 0;
  let fetched = 0;
  for (let i = 0; i < trace.length; i++) {
    const item = trace[i];
    if (kept.has(item)) kept.set(item, nextUse[i]);
    else {
      fetched += sizes[item];
      if (nextUse[i] === Infinity || sizes[item] > capacityBytes) continue;
      kept.set(item, nextUse[i]);
      used += sizes[item];
    }
    latest.push(nextUse[i], item);
    while (used > capacityBytes) {
      const [use, gone] = latest.pop();
      if (kept.get(gone) !== use) continue; // it was needed since
      kept.delete(gone);
      used -= sizes[gone];
    }
  }
  return fetched;
}

/** A binary heap. */
class LatestFirst {
  #heap = [];

  push(use, item) {
    const heap = this.#heap;
    let i = heap.push([use, item]) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent][0] >= heap[i][0]) break;
      [heap[parent], heap[i]] = [heap[i], heap[parent]];
      i = parent;
    }
  }

  pop() {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ;) {
      let largest = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && heap[child][0] > heap[largest][0]) largest = child;
      }
      if (largest === i) return top;
      [heap[largest], heap[i]] = [heap[i], heap[largest]];
      i = largest;
    }
  }
}
