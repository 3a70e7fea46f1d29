import { describeWithServer, startMoto } from '../../packages/core/test/servers/servers.js';
import { inS3 } from './buckets.js';
import { writersSuite } from './writers-suite.js';

await describeWithServer('nothing is half-visible, and so on: in a bucket of moto', startMoto, (server) => {
  writersSuite(() => inS3(server));
});
