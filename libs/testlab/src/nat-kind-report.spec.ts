import { type NatReport, predictConnection } from '@shadownet/paths';
import { describe, expect, it } from 'vitest';
import { expectedBetween } from './nat-expectations.js';
import { hostNetworkOf } from './nat-kind-report.js';
import { NAT_KIND_NAMES, NAT_KINDS } from './nat-kinds.js';

describe('the prediction from two reports', () => {
  it.each(NAT_KIND_NAMES)('for %s and every other network is what the table says', (a) => {
    for (const b of NAT_KIND_NAMES) {
      const { means } = predictConnection(hostNetworkOf(NAT_KINDS[a]), hostNetworkOf(NAT_KINDS[b]));
      expect(means, `${a} × ${b}`).toBe(expectedBetween(a, b).means);
    }
  });

  it('says what would change it where a pair is relayed', () => {
    const [hard, blocked] = [hostNetworkOf(NAT_KINDS['hard-random']), hostNetworkOf(NAT_KINDS['udp-blocked'])];
    expect(predictConnection(hard, hard)).toEqual({
      means: 'relay',
      reason: 'both NATs allocate a new port per destination: relayed',
      remedies: ['a port mapping (UPnP, NAT-PMP or PCP) on either router', 'IPv6 on both sides'],
    });
    expect(predictConnection(hard, { ...hard, grantsMappings: true }).means).toBe('peer-reflexive');
    expect(predictConnection(hard, blocked).reason).toBe('a network lets no UDP through: relayed over TCP');
    const onlyIpv6 = hostNetworkOf(NAT_KINDS['ipv6-only']);
    expect(predictConnection(hard, onlyIpv6).reason).toBe('one side has only IPv4 and the other only IPv6: relayed');
  });

  it('says that it does not know where the mapping was not measured', () => {
    const hard = hostNetworkOf(NAT_KINDS['hard-random']);
    const ipv4 = { ...(hard.ipv4 as NatReport & { kind: 'nat' }), mapping: 'not-tested' } as const;
    expect(predictConnection({ ...hard, ipv4 }, hostNetworkOf(NAT_KINDS.public)).means).toBe('unknown');
  });
});
