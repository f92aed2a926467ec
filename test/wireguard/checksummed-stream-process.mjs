// A TCP stream whose every byte is checked. `receive ADDRESS PORT` prints "listening", then for each connection the number of
// bytes and their SHA-256; `send ADDRESS PORT BYTES` prints those of what it sent. Started by checksummed-stream.ts.
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 16_384;
const [mode, host, port, bytes = '0'] = process.argv.slice(2);
const tell = (total, hash) => process.stdout.write(`${total} ${hash.digest('hex')}\n`);

if (mode === 'receive') {
  const server = createServer(async (connection) => {
    const hash = createHash('sha256');
    let total = 0;
    for await (const chunk of connection) {
      hash.update(chunk);
      total += chunk.length;
    }
    tell(total, hash);
  });
  server.listen(Number(port), host, () => process.stdout.write('listening\n'));
} else {
  const hash = createHash('sha256');
  const total = Number(bytes);
  const noise = function* () {
    for (let left = total; left > 0; left -= CHUNK_BYTES) {
      const chunk = randomBytes(Math.min(CHUNK_BYTES, left));
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Readable.from(noise()), connect(Number(port), host));
  tell(total, hash);
}
