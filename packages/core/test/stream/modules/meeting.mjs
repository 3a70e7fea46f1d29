// Maps that meet in memory that their threads share, `[inside, most, done]`: for tests of worker threads.
export default function meeting({ x, what, buffer }) {
  const shared = new Int32Array(buffer);
  const [INSIDE, MOST, DONE] = [0, 1, 2];
  switch (what) {
    case 'wait for four': {
      const inside = Atomics.add(shared, INSIDE, 1) + 1;
      if (inside > Atomics.load(shared, MOST)) Atomics.store(shared, MOST, inside);
      if (inside >= 4) Atomics.notify(shared, MOST);
      else
        for (let most; (most = Atomics.load(shared, MOST)) < 4;)
          if (Atomics.wait(shared, MOST, most, 10_000) === 'timed-out') break;
      Atomics.sub(shared, INSIDE, 1);
      return { x };
    }
    case 'the first comes last':
      if (x >= 4) {
        Atomics.add(shared, DONE, 1);
        Atomics.notify(shared, DONE);
        return { last: x, first: x };
      }
      if (x > 0) return { first: x, last: x };
      Atomics.wait(shared, DONE, 0, 10_000);
      Atomics.wait(shared, INSIDE, 0, 300); // until it has come
      return { first: x, last: x };
  }
  return { x, bytes: new Uint8Array(1000) };
}
