import type { Netcheck } from '@shadownet/contracts';
import { type NatReport, predictConnection } from '@shadownet/paths';
import { hostNetworkOf as simulatedNetworkOf, NAT_KIND_NAMES, NAT_KINDS } from '@shadownet/testlab';
import { describe, expect, it } from 'vitest';
import { hostNetworkOf } from '../../apps/node/src/netcheck/host-network.js';
import { natMessage } from '../../apps/node/src/netcheck/nat-message.js';

function family(report: NatReport | 'not-tested' | undefined): Netcheck['ipv4'] {
  if (report === undefined) return { result: 'not-tested', reason: 'no-address' };
  if (report === 'not-tested') return { result: 'not-tested', reason: 'no-server' };
  return { result: 'tested', nat: natMessage(report), meaning: '' };
}

describe('a netcheck, read back', () => {
  it.each(NAT_KIND_NAMES)('predicts what its measurement does: %s', (kind) => {
    const network = simulatedNetworkOf(NAT_KINDS[kind]);
    const printed: Netcheck = {
      version: '0.1.0',
      time: '2026-01-01T00:00:00.000Z',
      udp: 'works',
      ipv4: family(network.ipv4),
      ipv6: family(network.ipv6),
      port_mapping: network.grantsMappings ? [{ protocol: 'pcp', gateway: '192.168.1.1', external_address: null }] : [],
      stun_servers: [],
      relays: [],
      nearest_relay: null,
    };
    const read = hostNetworkOf(JSON.parse(JSON.stringify(printed)) as Netcheck);
    for (const other of NAT_KIND_NAMES) {
      const peer = simulatedNetworkOf(NAT_KINDS[other]);
      expect(predictConnection(read, peer)).toEqual(predictConnection(network, peer));
    }
  });

  it('knows of a family without an answering server that it knows nothing', () => {
    const network = simulatedNetworkOf(NAT_KINDS.public);
    expect(predictConnection({ ...network, ipv4: 'not-tested' }, network).means).toBe('unknown');
  });
});
