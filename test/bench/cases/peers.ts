// What many peers cost the traffic of one: a stream with a single peer, and the same again when both ends know 1,000 peers and
// 10,000 allowed IPs. Leaves the tunnel with the peers, so it is the last case that uses it.
import { type BenchCase, memoryOfLargerEnd, requireTunnel } from '../bench-case.js';
import { newKeyPair, type WgPeer } from '../tunnel-end.js';
import { measureOneStream } from './tcp.js';

/** With the one that is there already: 1,000 peers and 10,000 allowed IPs. */
const MORE_PEERS = 999;
const MORE_ALLOWED_IPS = 9999;

export const peersCase: BenchCase = {
  id: 'peers',
  metrics: ['tcp-peers-1', 'cpu-peers-1', 'tcp-peers-1000', 'cpu-peers-1000', 'rss-peers-1000'],
  needs: 'tunnel',
  when: 'warm',
  async run(bed, { seconds }) {
    const tunnel = requireTunnel(bed);
    const one = await measureOneStream(bed, seconds);
    const peers = idlePeers();
    await tunnel.left.addPeers(peers);
    await tunnel.right.addPeers(peers);
    const thousand = await measureOneStream(bed, seconds);
    return {
      'tcp-peers-1': one.throughput,
      'tcp-peers-1000': thousand.throughput,
      ...(one.cpu !== undefined && { 'cpu-peers-1': one.cpu }),
      ...(thousand.cpu !== undefined && { 'cpu-peers-1000': thousand.cpu }),
      'rss-peers-1000': memoryOfLargerEnd(tunnel, 'resident'),
    };
  },
};

/** Peers that say nothing, their addresses dealt out in turn, so that neighbours in the trie belong to different ones. */
function idlePeers(): WgPeer[] {
  const allowedIps = Array.from({ length: MORE_PEERS }, (): string[] => []);
  for (let index = 0; index < MORE_ALLOWED_IPS; index += 1) {
    allowedIps[index % MORE_PEERS]!.push(`10.100.${String(index >> 8)}.${String(index & 0xff)}/32`);
  }
  return allowedIps.map((addresses) => ({ publicKey: newKeyPair().publicKey, allowedIps: addresses }));
}
