// Runs the NAT tests of one address family: fresh sockets, a clock and a timer around NatBehaviourDiscovery.

import { parseIpAddress } from '@shadownet/primitives';
import {
  type LifetimeTests,
  NatBehaviourDiscovery,
  type NatSample,
  type NatTestOutput,
  type NatTestServer,
  natTestSockets,
} from '@shadownet/stun';
import { openPortableUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { monotonicNow, secureRandom } from '../runtime/clock.js';

export interface NatTestRunOptions {
  readonly family: 4 | 6;
  /** Of that family. */
  readonly servers: readonly NatTestServer[];
  readonly lifetime: LifetimeTests | undefined;
  /** Ends the tests early. What was found until then tells little. */
  readonly signal?: AbortSignal;
}

const ANY_V6 = parseIpAddress('::')!;

/** What was found; nothing if the system has no sockets of that family. Throws UdpError for any other reason. */
export async function runNatTests(options: NatTestRunOptions): Promise<readonly NatSample[]> {
  const { family, lifetime } = options;
  const sockets: UdpSocket[] = [];
  try {
    while (sockets.length < natTestSockets(lifetime?.idle.length)) sockets.push(await openSocket(family));
    return await discover(sockets, options);
  } catch (error) {
    if (family === 6 && sockets.length === 0 && error instanceof UdpError) return [];
    throw error;
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

function openSocket(family: 4 | 6): Promise<UdpSocket> {
  return openPortableUdp(family === 4 ? { family: 'ipv4' } : { address: ANY_V6 });
}

function discover(
  sockets: readonly UdpSocket[],
  { servers, lifetime, signal }: NatTestRunOptions,
): Promise<readonly NatSample[]> {
  const discovery = new NatBehaviourDiscovery({
    ...{ random: secureRandom, servers, localPorts: sockets.map(({ port }) => port) },
    ...(lifetime && { lifetime }),
  });
  const out: NatTestOutput = { datagram: (bytes, to, socket) => sockets[socket]?.send(bytes, to) };
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      if (discovery.finished || signal?.aborted) return resolve(discovery.samples);
      const wakeup = discovery.pollTimeout();
      if (wakeup) timer = setTimeout(onTimer, Math.max(0, Math.ceil(wakeup.at - monotonicNow())));
    };
    const onTimer = (): void => {
      discovery.handleTimeout(monotonicNow(), out);
      settle();
    };
    for (const [index, socket] of sockets.entries()) {
      socket.onDatagram((datagram, from) => {
        if (discovery.handleDatagram(datagram, from, index, monotonicNow(), out)) settle();
      });
    }
    signal?.addEventListener('abort', settle, { once: true });
    discovery.start(monotonicNow(), out);
    settle();
  });
}
