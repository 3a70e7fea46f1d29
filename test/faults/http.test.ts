import { jest } from '@jest/globals';
import { describeWithServer } from '../../packages/core/test/servers/servers.js';
import { flippedByteTests } from './flipped-bytes.js';
import { http } from './places.js';
import { scheduleTests } from './schedules.js';
import { singleFaultTests } from './single-faults.js';

jest.setTimeout(600_000);

await describeWithServer(http.name, http.start, (server) => {
  singleFaultTests(http, server);
  flippedByteTests(http, server);
  scheduleTests(http, server);
});
