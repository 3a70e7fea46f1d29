import { describeWithServer, startFakeGcs } from '../../packages/core/test/servers/servers.js';
import { inGcs } from './buckets.js';
import { stormSuite } from './storm-suite.js';

await describeWithServer(
  'submits, copies, deletes, vacuums and readers at once: in a bucket of fake-gcs-server',
  startFakeGcs,
  (server) => {
    stormSuite(() => inGcs(server));
  },
);
