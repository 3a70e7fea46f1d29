import { jest, test } from '@jest/globals';
import type { Storage } from '@dataref/core';
import { catalogBehaviours } from './catalog-behaviours.js';
import { tableBehaviours } from './table-behaviours.js';

jest.setTimeout(600_000);

/** What holds of a catalog in a storage of any kind. @param open makes an empty one, as often opened as it is called */
export function catalogSuite(open: () => Promise<() => Storage>): void {
  for (const { name, run } of [...tableBehaviours, ...catalogBehaviours])
    test(name, async () => {
      const reopen = await open();
      await run(reopen(), reopen);
    });
}
