// What every UdpSocket must do, on a real loopback (portable) or in memory.

import { type Endpoint, endpoint, endpointsEqual, type IpAddress, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it, onTestFinished } from 'vitest';

import { MAX_DATAGRAM_BYTES, type UdpSocket } from './udp-socket.js';

/** Where sockets of one host come from. */
export interface UdpHarness {
  open(port?: number): Promise<UdpSocket>;
  /** The host's addresses, one per family that the sockets have. */
  readonly addresses: readonly IpAddress[];
}

/** Datagrams as they come in. */
interface Inbox {
  readonly datagrams: { readonly bytes: Uint8Array; readonly from: Endpoint }[];
  /** Resolves when there are `count`. */
  holds(count: number): Promise<void>;
}

export function describeUdpSocket(newHarness: () => UdpHarness): void {
  const start = (): { harness: UdpHarness; open: (port?: number) => Promise<UdpSocket> } => {
    const harness = newHarness();
    return {
      harness,
      async open(port) {
        const socket = await harness.open(port);
        onTestFinished(() => socket.close());
        return socket;
      },
    };
  };

  describe('UdpSocket', () => {
    it('has a free port when none was asked for, and the asked one otherwise', async () => {
      const { open } = start();
      const first = await open();
      expect(first.port).toBeGreaterThan(0);
      const { port } = first;
      await first.close();
      expect((await open(port)).port).toBe(port);
    });

    it('carries datagrams and their source in every family that it names', async () => {
      const { harness, open } = start();
      const [a, b] = [await open(), await open()];
      expect(a.families).toEqual(harness.addresses.map(({ family }) => family));
      for (const address of harness.addresses) {
        const inbox = receive(b);
        a.send(Uint8Array.of(1, 2, 3), endpoint(address, b.port));
        await inbox.holds(1);
        expect(inbox.datagrams[0]!.bytes).toEqual(Uint8Array.of(1, 2, 3));
        expect(inbox.datagrams[0]!.from).toEqual(endpoint(address, a.port));
        const answers = receive(a);
        b.send(Uint8Array.of(4), inbox.datagrams[0]!.from);
        await answers.holds(1);
        expect(endpointsEqual(answers.datagrams[0]!.from, endpoint(address, b.port))).toBe(true);
      }
    });

    it('keeps the order, and lets the sender reuse its bytes and the receiver keep them', async () => {
      const { harness, open } = start();
      const [a, b] = [await open(), await open()];
      const inbox = receive(b);
      const bytes = new Uint8Array(4);
      for (let i = 0; i < 50; i++) {
        bytes.fill(i);
        a.send(bytes, endpoint(harness.addresses[0]!, b.port));
      }
      bytes.fill(0xff);
      await inbox.holds(50);
      expect(inbox.datagrams.map((datagram) => [...datagram.bytes])).toEqual(
        Array.from({ length: 50 }, (_, i) => [i, i, i, i]),
      );
    });

    it('hands over plain Uint8Arrays, whose slice() copies', async () => {
      const { harness, open } = start();
      const socket = await open();
      const inbox = receive(socket);
      socket.send(Uint8Array.of(1), endpoint(harness.addresses[0]!, socket.port));
      await inbox.holds(1);
      expect(Object.getPrototypeOf(inbox.datagrams[0]!.bytes)).toBe(Uint8Array.prototype);
    });

    it('carries the empty datagram and the largest one, and counts a larger one as EMSGSIZE', async () => {
      const { harness, open } = start();
      const socket = await open();
      const address = harness.addresses[0]!;
      const limit = MAX_DATAGRAM_BYTES[address.family];
      const inbox = receive(socket);
      const largest = new Uint8Array(limit).fill(0xab);
      socket.send(new Uint8Array(0), endpoint(address, socket.port));
      socket.send(new Uint8Array(limit + 1), endpoint(address, socket.port));
      socket.send(largest, endpoint(address, socket.port));
      await inbox.holds(2);
      expect(inbox.datagrams.map(({ bytes }) => bytes.length)).toEqual([0, limit]);
      expect(inbox.datagrams[1]!.bytes).toEqual(largest);
      await settled(() => expect(socket.counters).toMatchObject({ datagramsSent: 2, sendErrors: { EMSGSIZE: 1 } }));
    });

    it('loses what is sent to a port that nobody has, without a word', async () => {
      const { harness, open } = start();
      const [a, b] = [await open(), await open()];
      const { port } = b;
      await b.close();
      a.send(Uint8Array.of(1), endpoint(harness.addresses[0]!, port));
      a.send(Uint8Array.of(2), endpoint(harness.addresses[0]!, port));
      const inbox = receive(a);
      a.send(Uint8Array.of(3), endpoint(harness.addresses[0]!, a.port));
      await inbox.holds(1);
      expect(inbox.datagrams[0]!.bytes).toEqual(Uint8Array.of(3));
    });

    const [only, ...others] = newHarness().addresses;
    it.skipIf(others.length > 0)(
      'counts what goes to a family that it does not have (needs a missing one)',
      async () => {
        const socket = await start().open();
        const foreign = only?.family === 4 ? '2001:db8::1' : '192.0.2.1';
        socket.send(Uint8Array.of(1), endpoint(parseIpAddress(foreign)!, 9));
        expect(socket.counters).toMatchObject({ datagramsSent: 0, sendErrors: { EAFNOSUPPORT: 1 } });
      },
    );

    it('refuses a port that another socket has, and says what to do', async () => {
      const { open } = start();
      const { port } = await open();
      await expect(open(port)).rejects.toMatchObject({
        code: 'port-in-use',
        message: `UDP port ${port} is in use: stop what uses it or choose another port`,
      });
    });

    it('receives nothing after close, and counts what it is still asked to send', async () => {
      const { harness, open } = start();
      const [a, b] = [await open(), await open()];
      const inbox = receive(b);
      a.send(Uint8Array.of(1), endpoint(harness.addresses[0]!, b.port));
      await b.close();
      await b.close();
      b.send(Uint8Array.of(1), endpoint(harness.addresses[0]!, a.port));
      expect(b.counters.sendErrors).toEqual({ EBADF: 1 });
      await new Promise((resolve) => setImmediate(resolve));
      expect(inbox.datagrams).toEqual([]);
    });
  });
}

function receive(socket: UdpSocket): Inbox {
  const datagrams: Inbox['datagrams'] = [];
  let check = (): void => {};
  socket.onDatagram((bytes, from) => {
    datagrams.push({ bytes, from });
    check();
  });
  return {
    datagrams,
    holds: (count) =>
      new Promise((resolve) => {
        check = () => {
          if (datagrams.length >= count) resolve();
        };
        check();
      }),
  };
}

/** Waits until the assertion holds: a send is counted when the system has answered. */
async function settled(assertion: () => void): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    try {
      return assertion();
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  assertion();
}
