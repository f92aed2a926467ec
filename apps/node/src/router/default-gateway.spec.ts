import { formatIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import type { Interfaces } from '../runtime/candidate-gatherer.js';
import { gatewayAmong, gatewaysEqual } from './default-gateway.js';
import { routesIn } from './route-table.js';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const v4 = (address: string, netmask = '255.255.255.0') =>
  ({ address, netmask, family: 'IPv4', mac: '', internal: false, cidr: null }) as const;
const INTERFACES: Interfaces = {
  eth0: [v4('10.9.9.9'), v4('192.168.1.2')],
  wlan0: [v4('172.16.5.7', '255.240.0.0')],
};

const found = (table: string) => {
  const gateway = gatewayAmong(routesIn(HEAD + table), INTERFACES);
  return gateway && [gateway.address, gateway.local].map(formatIpAddress);
};

describe('the default gateway', () => {
  it('is read from the routing table, with our address in its subnet', () => {
    expect(found('eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n')).toBeUndefined();
    expect(found('eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n')).toEqual([
      '192.168.1.1',
      '192.168.1.2',
    ]);
  });

  it('is that of the lowest metric', () => {
    const slow = 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n';
    const fast = 'wlan0\t00000000\t010010AC\t0003\t0\t0\t100\t00000000\t0\t0\t0\n';
    expect(found(slow + fast)).toEqual(['172.16.0.1', '172.16.5.7']);
  });

  it.each([
    ['a route that is down', 'eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n'],
    ['a device without a gateway', 'eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n'],
    ['half of the internet', 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n'],
    ['an interface without an address', 'eth7\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n'],
    ['nonsense', '\n\nx\ty\tz\n'],
  ])('is not %s', (_what, table) => {
    expect(found(table)).toBeUndefined();
  });

  it('is another one when our address towards it is', () => {
    const table = `${HEAD}eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n`;
    const gateway = gatewayAmong(routesIn(table), INTERFACES)!;
    expect(gatewaysEqual(gateway, { ...gateway })).toBe(true);
    expect(gatewaysEqual(gateway, { ...gateway, local: gateway.address })).toBe(false);
    expect(gatewaysEqual(gateway, undefined)).toBe(false);
    expect(gatewaysEqual(undefined, undefined)).toBe(true);
  });
});
