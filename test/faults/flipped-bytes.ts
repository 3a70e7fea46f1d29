import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withRetry } from '@dataref/core/store';
import { failure } from '../../packages/core/test/expect-error.js';
import { randomOf } from '../../packages/core/test/scale.js';
import type { Server } from '../../packages/core/test/servers/servers.js';
import { readEpoch, storeDataset } from './dataset.js';
import { FaultProxy, type ProxiedRequest } from './fault-proxy.js';
import type { Backend, Place } from './places.js';
import { asksForData } from './random-faults.js';
import { within } from './within.js';

const LIMIT_MS = 60_000;

const FILES: readonly (readonly [string, RegExp])[] = [
  ['the manifest', /dataset\.json/u],
  ['a head', /\.head/u],
  ['the rows of a part', /\.arrow/u],
];

/** Claims about bytes that were changed on their way, which only checksums tell. */
export function flippedByteTests(backend: Backend, server: Server): void {
  describe.each([
    ['by position', 0],
    ['into memory', 2 ** 24],
  ])('a flipped byte, read %s,', (_, memoryLimitBytes) => {
    let place: Place;
    let proxy: FaultProxy;
    beforeEach(async () => {
      place = await backend.newPlace(server);
      await storeDataset(place.direct);
      proxy = await FaultProxy.start(server.port);
    });
    afterEach(() => proxy.close());

    /** An epoch, for which answers with what is in a file may have a byte flipped. */
    const epoch = (file: RegExp, isFlipped: () => boolean): Promise<void> => {
      const isOfFile = (request: ProxiedRequest): boolean => asksForData(request) && file.test(request.url);
      proxy.faultOf = (request) => (isOfFile(request) && isFlipped() ? { kind: 'flip', at: 77 } : undefined);
      return within(LIMIT_MS, readEpoch(withRetry(place.through(proxy.port, 30_000)), memoryLimitBytes, randomOf(1)));
    };

    test.each(FILES)('of %s is found, and read again', async (__, file) => {
      let left = 2;
      await epoch(file, () => left-- > 0);
      expect(proxy.requests.filter(({ fault }) => fault !== undefined)).toHaveLength(2);
    });

    test.each(FILES)('of %s is damage where it is there every time', async (__, file) => {
      await expect(epoch(file, () => true)).rejects.toEqual(failure('CORRUPT', /a@1|a\/1/u));
    });
  });
}
