import { endpoint, parseIpAddress, type Path, udpPath } from '@shadownet/primitives';
import { openLinuxUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExtraSockets } from './extra-sockets.js';

const LOOPBACK = parseIpAddress('127.0.0.1')!;

describe.skipIf(process.platform !== 'linux')('the sockets beside the node’s own (need Linux)', () => {
  let opened: UdpSocket[];
  let received: { readonly bytes: number[]; readonly from: Path }[];
  let peer: UdpSocket;
  beforeEach(() => {
    opened = [];
    received = [];
    peer = openLinuxUdp({ port: 0, mark: 0 });
  });
  afterEach(async () => {
    for (const socket of [peer, ...opened]) await socket.close();
  });

  function extraSockets(available = Infinity): ExtraSockets {
    return new ExtraSockets({
      open: () => {
        if (opened.length >= available) throw new UdpError('socket-failed', 'no descriptors are left');
        const socket = openLinuxUdp({ port: 0, mark: 0 });
        opened.push(socket);
        return socket;
      },
      onDatagram: (datagram, from) => received.push({ bytes: [...datagram], from }),
    });
  }

  it('are numbered from 1, send from ports of their own, and say by which one something came', async () => {
    const sockets = extraSockets();
    expect(sockets.open(2)).toEqual([1, 2]);
    peer.onDatagram((datagram, from) => peer.send(Uint8Array.of(...datagram, 9), from));
    const to = endpoint(LOOPBACK, peer.port);
    sockets.send(Uint8Array.of(7), { ...udpPath(to), socket: 2 }, undefined);
    await expect.poll(() => received.length).toBe(1);
    expect(received[0]).toMatchObject({ bytes: [7, 9], from: { kind: 'udp', socket: 2, remote: to } });
    sockets.closeAll();
  });

  it('are closed by their numbers, which are not used again', () => {
    const sockets = extraSockets();
    const [first, second] = sockets.open(2);
    sockets.close([first!]);
    sockets.send(Uint8Array.of(7), { ...udpPath(endpoint(LOOPBACK, peer.port)), socket: first! }, undefined);
    expect(opened.map(({ counters }) => counters.datagramsSent)).toEqual([0, 0]);
    expect(sockets.open(1)).toEqual([3]);
    sockets.close([second!, 3]);
    expect(sockets.count).toBe(0);
  });

  it('are as many as the system gives', () => {
    const sockets = extraSockets(3);
    expect(sockets.open(5)).toEqual([1, 2, 3]);
    sockets.closeAll();
  });

  it('are 512 at most', () => {
    const sockets = extraSockets();
    expect(sockets.open(300)).toHaveLength(300);
    expect(sockets.open(300)).toHaveLength(212);
    sockets.closeAll();
  });
});
