import { jest } from '@jest/globals';
import { describeWithServer } from '../../packages/core/test/servers/servers.js';
import { flippedByteTests } from './flipped-bytes.js';
import { s3 } from './places.js';
import { scheduleTests } from './schedules.js';
import { singleFaultTests } from './single-faults.js';

jest.setTimeout(600_000);

await describeWithServer(s3.name, s3.start, (server) => {
  singleFaultTests(s3, server);
  flippedByteTests(s3, server);
  scheduleTests(s3, server);
});
