import { parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';

import { MemoryTun } from './memory-tun.js';
import { describeTunDevice, type TunHarness } from './tun-device.contract.js';
import { buildUdpPacket, readUdpPayload } from './ipv4-packets.contract.js';

describe('MemoryTun', () => {
  describeTunDevice(openHarness);

  it('wipes an injected packet after the call, so that a handler which keeps it is found out', () => {
    const tun = new MemoryTun();
    let kept: Uint8Array | undefined;
    tun.onPacket((packet) => (kept = packet));
    const packet = Uint8Array.of(0x45, 1, 2);
    tun.inject(packet);
    expect(kept).toEqual(new Uint8Array(3));
    expect(packet).toEqual(Uint8Array.of(0x45, 1, 2));
  });
});

async function openHarness(): Promise<TunHarness> {
  const device = new MemoryTun({ name: 'mem0' });
  const flow = { source: parseEndpoint('198.18.0.2:7')!, destination: parseEndpoint('198.18.0.1:9999')! };
  return {
    device,
    flow,
    hostSends: (payload) =>
      device.inject(buildUdpPacket({ source: flow.destination, destination: flow.source }, payload)),
    async hostReceives() {
      while (device.written.length === 0) await new Promise((resolve) => setImmediate(resolve));
      return readUdpPayload(device.written.shift()!, flow)!;
    },
    deleteInterface: () => device.remove(),
    end: () => device.close(),
  };
}
