// One end of a TCP stream whose every byte is known beforehand: `receive <address> <port>` prints the port it listens on, then one
// JSON line per stream with the bytes received and where the first wrong one was; `send <address> <port> <bytes> <bytes/s>`.
import { Buffer } from 'node:buffer';
import { createServer, connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const [mode, address, port, length, rate] = process.argv.slice(2);
const PERIOD = 1 << 22;
const pattern = Buffer.allocUnsafe(PERIOD);
for (let i = 0, state = 1; i < PERIOD; i += 4) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  pattern.writeUInt32LE(state, i);
}

if (mode === 'receive') {
  const server = createServer((socket) => {
    let received = 0;
    let firstWrong = -1;
    socket.on('data', (chunk) => {
      for (let at = 0; at < chunk.length;) {
        const from = (received + at) % PERIOD;
        const part = Math.min(chunk.length - at, PERIOD - from);
        const isRight = pattern.compare(chunk, at, at + part, from, from + part) === 0;
        if (!isRight && firstWrong < 0) firstWrong = received + at;
        at += part;
      }
      received += chunk.length;
    });
    const report = () => console.log(JSON.stringify({ received, firstWrong }));
    socket.on('end', report);
    socket.on('error', report);
  });
  server.listen(Number(port), address, () => console.log(JSON.stringify({ port: server.address().port })));
} else {
  const socket = connect(Number(port), address);
  const startedAt = performance.now();
  let sent = 0;
  const total = Number(length);
  const pump = () => {
    for (;;) {
      if (sent === total) return socket.end();
      const allowed = Number(rate) > 0 ? ((performance.now() - startedAt) / 1000) * Number(rate) - sent : Infinity;
      if (allowed <= 0) return setTimeout(pump, 5);
      const from = sent % PERIOD;
      const part = Math.min(65_536, PERIOD - from, total - sent);
      sent += part;
      if (!socket.write(pattern.subarray(from, from + part))) return socket.once('drain', pump);
    }
  };
  socket.on('connect', pump);
  socket.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
