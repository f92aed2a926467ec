// A UDP socket that is driven by JSON lines: what arrives is told on stdout, what to send is read from stdin.
// Arguments: port (0: any), and what to do with each datagram: "silent", "reflect" (send it back), "name" (answer with the
// sender's address and port, as seen here). Started by udp-peer.ts inside a namespace.
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const [port = '0', answer = 'silent'] = process.argv.slice(2);
const socket = createSocket('udp4');
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

socket.on('message', (datagram, { address, port: senderPort }) => {
  tell({ from: `${address}:${senderPort}`, hex: datagram.toString('hex') });
  if (answer === 'reflect') socket.send(datagram, senderPort, address);
  if (answer === 'name') socket.send(`${address}:${senderPort}`, senderPort, address);
});
// A router that refuses shows up as an error of a later send; the tests look at what arrives.
socket.on('error', (error) => process.stderr.write(`${error.message}\n`));
socket.bind(Number(port), () => tell({ port: socket.address().port }));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { to, hex } = JSON.parse(line);
    const [address, remotePort] = to.split(':');
    socket.send(globalThis.Buffer.from(hex, 'hex'), Number(remotePort), address, (error) => {
      if (error) process.stderr.write(`${error.message}\n`);
    });
  })
  .on('close', () => process.exit(0));
