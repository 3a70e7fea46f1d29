import { createServer, request } from 'node:http';

/** A proxy of HTTP before a server on `port` of this machine, which counts what crosses it. */
export async function countingProxy(port) {
  const counts = { requests: 0, bytes: 0 };
  const proxy = createServer((asked, answer) => {
    counts.requests++;
    const { method, url: path, headers } = asked;
    const onward = request({ host: '127.0.0.1', port, method, path, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.on('data', (chunk) => (counts.bytes += chunk.length));
      got.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${proxy.address().port}`,
    counts,
    close() {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
