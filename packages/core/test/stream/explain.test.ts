import { describe, expect, test } from '@jest/globals';
import { concatStreams, explain } from '@dataref/core';
import { gather, range } from './gather.js';

describe('explain of a skip', () => {
  test('that has left nothing out yet does not say that the first it leaves out comes next', async () => {
    for (const stream of [
      range(9).stream().skip(5),
      range(9)
        .stream()
        .map((x: number) => x)
        .skip(5)
        .batch(2),
      concatStreams([range(9).stream().skip(5)]),
    ]) {
      // prettier-ignore
      expect(explain(stream.state)).toContain('skip begins with record 0');
      expect(explain(stream.state)).not.toContain('comes next');
      const [first] = (await gather(stream as AsyncIterable<any>, 1)) as [any];
      expect([first].flatMap((element) => element.records?.() ?? element)).toContain(5);
      expect(explain(stream.state)).toMatch(/5 elements of a shard left out[^]*comes next: record [67]/u);
    }
  });
});
