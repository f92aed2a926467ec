// How far the relays are, by UDP and by WebSocket: the shortest of some round trips each. Needs no identity, since a relay answers
// everybody's hello with a challenge.

import type { NetcheckRelay } from '@shadownet/contracts';
import { type Duration, type Endpoint, formatEndpoint, parseIpAddress } from '@shadownet/primitives';
import { type RelayDescription, RelayGreeting } from '@shadownet/relay';
import { openPortableUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { RelayStreams } from '../relays/relay-streams.js';
import { monotonicNow, secureRandom } from '../runtime/clock.js';

/** Round trips of which the shortest counts, and what is sent in vain at most. */
const SAMPLES = 3;
const MAX_HELLOS = 6;
const HELLO_INTERVAL_MS = 250;
/** For a TCP, TLS and HTTP handshake as well. */
const STREAM_TIMEOUT_MS = 4_000;

const ANY_V6 = parseIpAddress('::')!;

export async function measureRelays(relays: readonly RelayDescription[]): Promise<NetcheckRelay[]> {
  if (relays.length === 0) return [];
  const byUdp = measureByUdp(relays.flatMap(({ udp }) => udp));
  const byStream = Promise.all(
    relays.map(({ id, websocketUrl: url }) => (url === undefined ? null : byWebSocket(id, url))),
  );
  const [datagrams, streams] = await Promise.all([byUdp, byStream]);
  return relays.map(({ id, udp, websocketUrl: url }, i) => ({
    id,
    udp: udp.map((endpoint) => ({
      endpoint: formatEndpoint(endpoint),
      rtt_ms: datagrams.get(formatEndpoint(endpoint)) ?? null,
    })),
    websocket: url === undefined ? null : { url, rtt_ms: streams[i] ?? null },
  }));
}

/** The id of the one that answered soonest, by UDP if any answers so. */
export function nearestRelay(relays: readonly NetcheckRelay[]): string | null {
  const udp = relays.map(({ id, udp }) => ({ id, rtts: udp.map(({ rtt_ms }) => rtt_ms) }));
  const streams = relays.map(({ id, websocket }) => ({ id, rtts: [websocket?.rtt_ms ?? null] }));
  return shortest(udp) ?? shortest(streams);
}

function shortest(relays: readonly { id: string; rtts: readonly (number | null)[] }[]): string | null {
  const measured = relays.flatMap(({ id, rtts }) => rtts.flatMap((rtt) => (rtt === null ? [] : [{ id, rtt }])));
  return measured.sort((a, b) => a.rtt - b.rtt)[0]?.id ?? null;
}

/** By the text of the endpoint; those that did not answer are left out. */
async function measureByUdp(endpoints: readonly Endpoint[]): Promise<Map<string, number>> {
  const found = await Promise.all(
    ([4, 6] as const).map((family) =>
      measureFamily(
        family,
        endpoints.filter(({ address }) => address.family === family),
      ),
    ),
  );
  return new Map(found.flatMap((each) => [...each]));
}

async function measureFamily(family: 4 | 6, endpoints: readonly Endpoint[]): Promise<Map<string, number>> {
  const shortest = new Map<string, number>();
  if (endpoints.length === 0) return shortest;
  const socket = await openSocket(family);
  if (!socket) return shortest;
  const greeting = new RelayGreeting(secureRandom);
  const answers = new Map<string, number>();
  socket.onDatagram((datagram, from) => {
    const rtt = greeting.handleFrame(datagram, monotonicNow());
    const key = formatEndpoint(from);
    if (rtt === undefined || !endpoints.some((one) => formatEndpoint(one) === key)) return;
    answers.set(key, (answers.get(key) ?? 0) + 1);
    shortest.set(key, rounded(Math.min(rtt, shortest.get(key) ?? Infinity)));
  });
  try {
    for (let sent = 0; sent < MAX_HELLOS; sent++) {
      const waited = endpoints.filter((one) => (answers.get(formatEndpoint(one)) ?? 0) < SAMPLES);
      if (waited.length === 0) break;
      for (const one of waited) socket.send(greeting.hello(monotonicNow()), one);
      await pause(HELLO_INTERVAL_MS);
    }
  } finally {
    await socket.close();
  }
  return shortest;
}

/** Undefined if the system has no sockets of that family. */
async function openSocket(family: 4 | 6): Promise<UdpSocket | undefined> {
  try {
    return await openPortableUdp(family === 4 ? { family: 'ipv4' } : { address: ANY_V6 });
  } catch (error) {
    if (family === 6 && error instanceof UdpError) return undefined;
    throw error;
  }
}

/** The shortest of some round trips on an open WebSocket; null without any in time. */
function byWebSocket(relay: string, url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const greeting = new RelayGreeting(secureRandom);
    const rtts: Duration[] = [];
    const finish = (): void => {
      clearTimeout(timer);
      streams.close(relay);
      resolve(rtts.length > 0 ? rounded(Math.min(...rtts)) : null);
    };
    const streams = new RelayStreams((_, event) => {
      if (event.kind === 'closed') return finish();
      if (event.kind === 'frame') {
        const rtt = greeting.handleFrame(event.frame, monotonicNow());
        if (rtt === undefined) return;
        rtts.push(rtt);
        if (rtts.length === SAMPLES) return finish();
      }
      streams.write(relay, greeting.hello(monotonicNow()));
    });
    const timer = setTimeout(finish, STREAM_TIMEOUT_MS);
    streams.open(relay, url);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
