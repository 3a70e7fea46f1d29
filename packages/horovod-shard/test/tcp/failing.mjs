// As rank.mjs, but that the rank which is to be idle fails: it says so by its status, and neither closes nor exits.
import { openTcp } from '@dataref/horovod-shard/tcp';

const [rank, size, port, , isFailing] = process.argv.slice(2).map(Number);

const train = async () => {
  const collective = await openTcp({ world: { rank, size }, address: `127.0.0.1:${port}` });
  if (isFailing) throw new Error('a record that cannot be read');
  await collective.barrier();
};

await train().catch((error) => {
  process.exitCode = 1;
  process.stdout.write(`${error.code}: ${error.message}\n`);
});
