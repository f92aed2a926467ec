// shadownet-wg with as many peers and allowed IPs as a large gateway has, set and listed by `wg`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';
import { THEIR_HOST, TunnelLab } from '../wireguard/tunnel-lab.js';

const PEERS = 1000;
const PREFIXES_PER_PEER = 10;
const STREAM_BYTES = 20_000_000;
const MAX_RESIDENT_KILOBYTES = 200_000;

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined)('shadownet-wg at scale (needs root, wg and wireguard-go)', () => {
  let lab: TunnelLab;
  beforeAll(async () => {
    lab = await TunnelLab.create();
  });
  afterAll(() => lab?.dispose());

  it('takes 1,000 peers with 10,000 allowed IPs, lists them, and carries the traffic of one', async () => {
    const { ours, theirs } = await lab.newPair();
    await theirs.addPeer(ours);
    await theirs.up();
    const strangers = Array.from({ length: PEERS - 1 }, (_, i) => strangerSection(i));
    // In the middle, where neither a first nor a last match would find it.
    const real = `[Peer]\nPublicKey = ${theirs.publicKey}\nAllowedIPs = ${[
      `${theirs.addresses[0]}/32, ${theirs.addresses[1]}/128`,
      ...Array.from({ length: PREFIXES_PER_PEER - 2 }, (_, i) => `172.31.${String(i)}.0/24`),
    ].join(', ')}\nEndpoint = ${THEIR_HOST}:${String(theirs.port)}\n`;
    const head = `[Interface]\nPrivateKey = ${ours.privateKey}\nListenPort = ${String(ours.port)}\n`;
    const sections = [head, ...strangers.slice(0, PEERS / 2), real, ...strangers.slice(PEERS / 2)];
    const file = ours.file('large.conf', sections.join('\n'));

    const startedAt = performance.now();
    await lab.ourHost.run(['wg', 'setconf', ours.interfaceName, file]);
    await ours.up();
    const shown = (await lab.ourHost.run(['wg', 'showconf', ours.interfaceName])).stdout;
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(peersOf(shown)).toEqual(peersOf(sections.join('\n')));
    expect(peersOf(shown).size).toBe(PEERS);
    expect([...peersOf(shown).values()].flat()).toHaveLength(PEERS * PREFIXES_PER_PEER);

    expect(await ours.canPing(theirs, 4)).toBe(true);
    expect(await ours.canPing(theirs, 6)).toBe(true);
    const stream = await sendChecksummed(lab.ourHost, lab.theirHost, theirs.addresses[0], STREAM_BYTES, 20_000);
    expect(stream.received).toBe(stream.sent);
    const status = readFileSync(`/proc/${String(await ours.pid())}/status`, 'utf8');
    expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(MAX_RESIDENT_KILOBYTES);

    // Saved and loaded again, nothing changes.
    await lab.ourHost.run(['wg', 'syncconf', ours.interfaceName, ours.file('saved.conf', shown)]);
    expect(peersOf((await lab.ourHost.run(['wg', 'showconf', ours.interfaceName])).stdout)).toEqual(peersOf(shown));
    expect(await ours.canPing(theirs, 4, 2)).toBe(true);
  });
});

/** A peer without an endpoint whose prefixes are neither others' nor the real one's. */
function strangerSection(number: number): string {
  const allowedIps = Array.from({ length: PREFIXES_PER_PEER }, (_, i) => {
    const n = number * PREFIXES_PER_PEER + i;
    return i % 2 === 0 ? `10.${String(100 + (n >> 8))}.${String(n & 255)}.0/24` : `fd00:${n.toString(16)}::/48`;
  });
  const publicKey = randomBytes(32);
  // The unused bit is zero in every key that was computed.
  publicKey[31]! &= 0x7f;
  return `[Peer]\nPublicKey = ${publicKey.toString('base64')}\nAllowedIPs = ${allowedIps.join(', ')}\n`;
}

/** Allowed IPs by public key, in one order. */
function peersOf(configuration: string): Map<string, string[]> {
  const peers = new Map<string, string[]>();
  for (const section of configuration.split('[Peer]').slice(1)) {
    const field = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(section)?.[1] ?? '';
    peers.set(field('PublicKey'), field('AllowedIPs').split(', ').sort());
  }
  return new Map([...peers].sort(([a], [b]) => (a < b ? -1 : 1)));
}
