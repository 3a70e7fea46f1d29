import { jest } from '@jest/globals';
import { describeWithServer } from '../../packages/core/test/servers/servers.js';
import { flippedByteTests } from './flipped-bytes.js';
import { gcs } from './places.js';
import { scheduleTests } from './schedules.js';
import { singleFaultTests } from './single-faults.js';

jest.setTimeout(600_000);

await describeWithServer(gcs.name, gcs.start, (server) => {
  singleFaultTests(gcs, server);
  flippedByteTests(gcs, server);
  scheduleTests(gcs, server);
});
