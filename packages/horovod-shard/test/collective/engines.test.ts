import { localCollectives } from '@dataref/horovod-shard';
import { openTcp } from '@dataref/horovod-shard/tcp';
import { freePort } from '../../../core/test/free-port.js';
import { collectiveSuite } from './collective-suite.js';

collectiveSuite('within a process', async (size) => localCollectives(size));

collectiveSuite('over TCP', async (size) => {
  const address = `127.0.0.1:${await freePort()}`;
  return Promise.all(Array.from({ length: size }, (_, rank) => openTcp({ world: { rank, size }, address })));
});
