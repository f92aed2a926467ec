// `serve PORT…` answers every byte of each connection with one. `talk ADDRESS PORT` sends a byte each 50 ms over one connection, and
// prints a line for each answer and for each connection that it gave up; then it tries another.
import { connect, createServer } from 'node:net';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';

const [role, ...words] = process.argv.slice(2);

function serve() {
  for (const port of words) {
    const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    server.listen(Number(port), '0.0.0.0', () => console.log(`listening ${port}`));
  }
}

function talk() {
  const [host, port] = words;
  const socket = connect({ host, port: Number(port) });
  // The socket's own timeout would take what we send for activity.
  let silence = setTimeout(() => socket.destroy(), 1000);
  const sending = setInterval(() => socket.write('x'), 50);
  socket.on('data', () => {
    console.log('answer');
    clearTimeout(silence);
    silence = setTimeout(() => socket.destroy(), 1000);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(sending);
    clearTimeout(silence);
    console.log('gave-up');
    setTimeout(talk, 100);
  });
}

if (role === 'serve') serve();
else talk();
