import { describeWithServer, startMoto } from '../../packages/core/test/servers/servers.js';
import { inS3 } from './buckets.js';
import { stormSuite } from './storm-suite.js';

await describeWithServer(
  'submits, copies, deletes, vacuums and readers at once: in a bucket of moto',
  startMoto,
  (server) => {
    stormSuite(() => inS3(server));
  },
);
