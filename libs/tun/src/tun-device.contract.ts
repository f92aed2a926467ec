// What every TunDevice must do. The host on the other side of the device is real (linux) or played by the test (memory).

import { describe, expect, it, onTestFinished } from 'vitest';

import type { TunDevice } from './tun-device.js';
import { buildUdpPacket, readUdpPayload, type UdpFlow } from './ipv4-packets.contract.js';

/** A device and the host that it belongs to. */
export interface TunHarness {
  readonly device: TunDevice;
  /** The host's socket and a peer in the device's subnet. */
  readonly flow: UdpFlow;
  /** The host sends a UDP datagram from its socket to the peer, which is routed into the device. */
  hostSends(payload: Uint8Array): void;
  /** The next payload that reaches the host's socket from the device. */
  hostReceives(): Promise<Uint8Array>;
  /** Deletes the interface from outside. */
  deleteInterface(): void;
  /** Releases what the harness holds, also the device. */
  end(): Promise<void>;
}

export function describeTunDevice(open: () => Promise<TunHarness>): void {
  const start = async (): Promise<TunHarness> => {
    const harness = await open();
    onTestFinished(() => harness.end());
    return harness;
  };

  describe('TunDevice', () => {
    it('reads the packets that the host routes into it, whole and in order', async () => {
      const harness = await start();
      const payloads = nextPayloads(harness, 20);
      for (let i = 0; i < 20; i++) harness.hostSends(new Uint8Array(i * 50).fill(i));
      expect(await payloads).toEqual(Array.from({ length: 20 }, (_, i) => new Uint8Array(i * 50).fill(i)));
      expect(harness.device.counters.packetsRead).toBeGreaterThanOrEqual(20);
    });

    it('hands a written packet to the host and lets the writer reuse its bytes', async () => {
      const harness = await start();
      const received = harness.hostReceives();
      const payload = Uint8Array.of(1, 2, 3, 4);
      const packet = buildUdpPacket(harness.flow, payload);
      harness.device.write(packet);
      packet.fill(0xff);
      expect(await received).toEqual(payload);
      expect(harness.device.counters).toMatchObject({ packetsWritten: 1, writeErrors: 0 });
    });

    it('carries a packet as large as its MTU in both directions', async () => {
      const harness = await start();
      const payload = new Uint8Array(harness.device.mtu - 28).fill(7);
      const out = nextPayloads(harness, 1);
      harness.hostSends(payload);
      expect(await out).toEqual([payload]);
      const back = harness.hostReceives();
      harness.device.write(buildUdpPacket(harness.flow, payload));
      expect(await back).toEqual(payload);
    });

    it('counts what is no IP packet instead of throwing', async () => {
      const { device } = await start();
      for (const junk of [new Uint8Array(0), Uint8Array.of(0xf0, 1, 2, 3), new Uint8Array(70_000).fill(0x45)]) {
        device.write(junk);
      }
      expect(device.counters).toMatchObject({ packetsWritten: 0, writeErrors: 3 });
    });

    it('tells once that it was deleted from outside, with a reason', async () => {
      const { device, deleteInterface } = await start();
      const reasons: Error[] = [];
      const closed = new Promise<void>((resolve) => {
        device.onClosed((reason) => {
          reasons.push(reason);
          resolve();
        });
      });
      deleteInterface();
      await closed;
      device.write(Uint8Array.of(0x45));
      await device.close();
      expect(reasons).toEqual([expect.objectContaining({ code: 'tun-closed' })]);
      expect(reasons[0]!.message).toContain(device.name);
    });

    it('is silent and harmless after close, which may be called again', async () => {
      const { device, flow } = await start();
      let told = 0;
      device.onClosed(() => told++);
      device.onPacket(() => told++);
      await device.close();
      await device.close();
      device.write(buildUdpPacket(flow, Uint8Array.of(1)));
      expect(device.counters).toMatchObject({ packetsWritten: 0, writeErrors: 1 });
      expect(told).toBe(0);
    });
  });
}

/** The payloads of the next `count` datagrams of the flow that the device reads; other packets of the host are passed over. */
export function nextPayloads({ device, flow }: TunHarness, count: number): Promise<Uint8Array[]> {
  const payloads: Uint8Array[] = [];
  return new Promise((resolve) => {
    device.onPacket((packet) => {
      const payload = readUdpPayload(packet, { source: flow.destination, destination: flow.source });
      if (!payload) return;
      payloads.push(payload);
      if (payloads.length === count) resolve(payloads);
    });
  });
}
