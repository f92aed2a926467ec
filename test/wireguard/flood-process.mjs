// Sends datagrams of 148 bytes from many addresses and ports at a steady rate. Arguments: a file of such datagrams one behind the
// other, target address, port, datagrams per second, and the local addresses to send from, one socket each. Prints
// "flooding", then in each second how many were sent and how many answers came. Started by flood.ts.
import { readFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';

const LENGTH = 148;
const TICK_MS = 2;

const [file, target, port, perSecond, ...addresses] = process.argv.slice(2);
const bytes = readFileSync(file);
const datagrams = Array.from({ length: bytes.length / LENGTH }, (_, i) => bytes.subarray(i * LENGTH, (i + 1) * LENGTH));
const counts = { sent: 0, answers: 0, answerBytes: 0 };

const sockets = await Promise.all(addresses.map(open));
process.stdout.write('flooding\n');
const startedAt = performance.now();
let due = 0;
setInterval(() => {
  const wanted = ((performance.now() - startedAt) / 1000) * Number(perSecond);
  for (; due < wanted; due++) {
    sockets[due % sockets.length].send(datagrams[due % datagrams.length], (error) => {
      if (!error) counts.sent++;
    });
  }
}, TICK_MS);
setInterval(() => {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  counts.sent = counts.answers = counts.answerBytes = 0;
}, 1000);

function open(address) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    // Refusals of a target that is not there come as errors of a later send.
    socket.on('error', () => undefined);
    socket.on('message', ({ length }) => {
      counts.answers++;
      counts.answerBytes += length;
    });
    socket.bind(0, address, () => socket.connect(Number(port), target, () => resolve(socket)));
  });
}
