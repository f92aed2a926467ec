// Pipes connections from a unix socket to a TCP address. It runs in a namespace of the lab, while the unix socket, being a file,
// is reached from the machine itself: so the lab needs no route to it. Arguments: socket path, address, port.
import { connect, createServer } from 'node:net';

const [path, address, port] = process.argv.slice(2);

createServer((inner) => {
  const outer = connect(Number(port), address);
  inner.pipe(outer).pipe(inner);
  inner.on('error', () => outer.destroy());
  outer.on('error', () => inner.destroy());
}).listen(path, () => process.stdout.write('listening\n'));
