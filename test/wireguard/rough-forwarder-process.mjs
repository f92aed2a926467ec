// A bad network between two UDP ends: forwards both ways and loses, doubles, delays and reorders datagrams as a seeded generator
// says. Arguments: own port, target address, target port, and as JSON { seed, loss, duplication, reordering, delayMs,
// reorderMs }: probabilities of 0…1. On SIGTERM it prints how often each happened. Started by rough-forwarder.ts.
import { createSocket } from 'node:dgram';

const [port, targetAddress, targetPort, quality] = process.argv.slice(2);
const { seed, loss, duplication, reordering, delayMs, reorderMs } = JSON.parse(quality);
const counts = { forwarded: 0, lost: 0, doubled: 0, reordered: 0 };

let state = seed >>> 0;
/** Uniform in [0, 1): a Weyl sequence through a multiplicative mixer. */
function fraction() {
  state = (state + 0x9e3779b9) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

const near = createSocket('udp4');
const far = createSocket('udp4');
let client;

near.on('message', (datagram, from) => {
  client = from;
  forward(datagram, far, Number(targetPort), targetAddress);
});
far.on('message', (datagram) => {
  if (client) forward(datagram, near, client.port, client.address);
});
// Refusals of a host that is not there yet come as errors of a later send.
for (const socket of [near, far]) socket.on('error', () => undefined);

function forward(datagram, socket, toPort, toAddress) {
  if (fraction() < loss) return void counts.lost++;
  const copies = fraction() < duplication ? 2 : 1;
  counts.doubled += copies - 1;
  for (let copy = 0; copy < copies; copy++) {
    const isLate = fraction() < reordering;
    if (isLate) counts.reordered++;
    counts.forwarded++;
    const delay = delayMs + (isLate ? fraction() * reorderMs : 0);
    if (delay === 0) socket.send(datagram, toPort, toAddress);
    else setTimeout(() => socket.send(datagram, toPort, toAddress), delay);
  }
}

near.bind(Number(port), () => far.bind(0, () => process.stdout.write('forwarding\n')));
process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
});
