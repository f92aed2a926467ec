import { parseIpPrefix } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import type { Route } from '../router/route-table.js';
import { checkAddressConflict, checkOtherVpn, checkUnderlayMtu } from './route-checks.js';

const NETWORK = parseIpPrefix('10.100.0.0/16')!;
const route = (device: string, destination: string, metric = 0): Route => ({
  ...{ device, metric, gateway: undefined },
  destination: parseIpPrefix(destination)!,
});
const ask = (...routes: Route[]) => ({ routes, interfaceName: 'shadownet0' });

describe('the doctor', () => {
  it('calls a link too small on which full packets of the tunnel do not fit', () => {
    const question = ask(route('slow0', '0.0.0.0/0', 600), route('eth0', '0.0.0.0/0', 100));
    const mtus: Record<string, number> = { eth0: 1500, slow0: 576 };
    expect(checkUnderlayMtu(question, (name) => mtus[name])).toMatchObject({
      verdict: 'ok',
      detail: 'eth0 carries 1500 bytes',
    });
    mtus.eth0 = 1359;
    expect(checkUnderlayMtu(question, (name) => mtus[name]).verdict).toBe('problem');
    mtus.eth0 = 1360;
    expect(checkUnderlayMtu(question, (name) => mtus[name]).verdict).toBe('ok');
    expect(checkUnderlayMtu(ask(), (name) => mtus[name]).verdict).toBe('not-tested');
  });

  it('warns of another tunnel that takes everything, also by two halves, and not of the mesh itself', () => {
    const kindOf = (name: string) => (name === 'eth0' ? 'link' : 'tunnel');
    expect(checkOtherVpn(ask(route('eth0', '0.0.0.0/0'), route('wg0', '10.8.0.0/24')), kindOf).verdict).toBe('ok');
    expect(checkOtherVpn(ask(route('shadownet0', '0.0.0.0/0')), kindOf).verdict).toBe('ok');
    expect(checkOtherVpn(ask(route('wg0', '0.0.0.0/0')), kindOf).verdict).toBe('warning');
    expect(checkOtherVpn(ask(route('eth0', '0.0.0.0/0'), route('tun0', '128.0.0.0/1')), kindOf)).toMatchObject({
      verdict: 'warning',
      detail: expect.stringContaining('128.0.0.0/1 goes to tun0') as unknown,
    });
  });

  it.each([
    ['nothing near', ['192.168.1.0/24', '0.0.0.0/0'], 'ok'],
    ['a network beside ours', ['10.101.0.0/16'], 'ok'],
    ['a network inside of ours', ['10.100.7.0/24'], 'problem'],
    ['the same network', ['10.100.0.0/16'], 'problem'],
    ['a network around ours', ['10.0.0.0/8'], 'warning'],
  ])('judges addresses of the host beside those of the mesh: %s', (_what, destinations, verdict) => {
    const routes = destinations.map((destination) => route('eth1', destination));
    expect(checkAddressConflict(ask(...routes, route('shadownet0', '10.100.0.0/16')), NETWORK).verdict).toBe(verdict);
  });

  it('knows no conflict without the network', () => {
    expect(checkAddressConflict(ask(route('eth1', '10.100.0.0/16')), undefined).verdict).toBe('not-tested');
  });
});
