import { describeWithServer, startFakeGcs } from '../../packages/core/test/servers/servers.js';
import { inGcs } from './buckets.js';
import { writersSuite } from './writers-suite.js';

await describeWithServer(
  'nothing is half-visible, and so on: in a bucket of fake-gcs-server',
  startFakeGcs,
  (server) => {
    writersSuite(() => inGcs(server));
  },
);
