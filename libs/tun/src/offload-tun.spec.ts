// The offloading device under the contract of all devices. Who reads it is not its own business: here that is a reader for
// packets that need no cutting, as all those of the contract are.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';

import { enterFreshNetworkNamespace, libc, processArena, watchReadable } from '@shadownet/native';
import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { type OffloadTunDevice, openOffloadTun } from './offload-tun.js';
import { describeTunDevice, type TunHarness } from './tun-device.contract.js';
import type { LinuxTunOptions } from './tun-setup.js';

const HOST = parseIpAddress('198.18.0.1')!;
const PEER = parseIpAddress('198.18.0.2')!;
const OPTIONS: LinuxTunOptions = { name: 'sn1', mtu: 1280, addresses: [{ address: HOST, length: 30 }] };
const VIRTIO_HEADER_LENGTH = 10;

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe.skipIf(!leaveNamespace)('openOffloadTun (needs root, namespaces, /dev/net/tun and ip)', () => {
  describe.each([1, 3])('with %i queues', (queues) => {
    describeTunDevice(() => openHarness(queues));
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ])('refuses a name that another device has: %i queues, and then %i', async (first, second) => {
    const device = await openOffloadTun({ ...OPTIONS, queues: first });
    onTestFinished(() => device.close());
    await expect(openOffloadTun({ ...OPTIONS, queues: second })).rejects.toMatchObject({ code: 'tun-name-taken' });
    expect(device.descriptors).toHaveLength(first);
    expect(device.fewerQueuesReason).toBeUndefined();
  });

  it('has one queue, and says why, where an interface that is there has no more', async () => {
    execFileSync('ip', ['tuntap', 'add', 'sn1', 'mode', 'tun', 'vnet_hdr']);
    onTestFinished(() => void execFileSync('ip', ['link', 'delete', 'sn1']));
    const device = await openOffloadTun({ ...OPTIONS, queues: 2 });
    onTestFinished(() => device.close());
    expect(device.descriptors).toHaveLength(1);
    expect(device.fewerQueuesReason).toMatch(/^sn1 cannot have 2 queues: ioctl TUNSETIFF sn1: E/);
  });

  it.each([1, 3])(
    'keeps %i descriptors when it is deleted from outside, and gives them back when it is closed',
    async (queues) => {
      const device = await openOffloadTun({ ...OPTIONS, queues });
      const tunDescriptors = () =>
        readdirSync('/proc/self/fd').filter((name) => readLink(`/proc/self/fd/${name}`) === '/dev/net/tun').length;
      const open = tunDescriptors();
      execFileSync('ip', ['link', 'delete', 'sn1']);
      expect(device.interfaceState()).toBe('down');
      expect(tunDescriptors()).toBe(open);
      await device.close();
      await device.close();
      expect(tunDescriptors()).toBe(open - queues);
    },
  );

  it('is not made with an MTU that it cannot have', async () => {
    await expect(openOffloadTun({ ...OPTIONS, mtu: 100 })).rejects.toMatchObject({ code: 'tun-settings-invalid' });
  });
});

/** `undefined` for a descriptor that was closed since it was listed: the one that lists. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function openHarness(queues: number): Promise<TunHarness> {
  const device = await openOffloadTun({ ...OPTIONS, queues });
  const stopReading = startReading(device);
  const socket = createSocket('udp4').bind(0, '198.18.0.1');
  await once(socket, 'listening');
  const peer = endpoint(PEER, 7);
  return {
    device,
    flow: { source: peer, destination: endpoint(HOST, socket.address().port) },
    hostSends: (payload) => socket.send(payload, peer.port, '198.18.0.2'),
    async hostReceives() {
      const [payload] = (await once(socket, 'message')) as [Buffer];
      return Uint8Array.from(payload);
    },
    deleteInterface: () => void execFileSync('ip', ['link', 'delete', 'sn1']),
    async end() {
      stopReading();
      socket.close();
      await device.close();
    },
  };
}

/** Delivers each packet without its virtio header; an error is the interface's end, which the device sees when it looks. */
function startReading(device: OffloadTunDevice): () => void {
  const block = processArena().allocate(VIRTIO_HEADER_LENGTH + 65_535);
  const watches = device.descriptors.map((descriptor) => {
    const watch = watchReadable(descriptor, (readiness) => {
      const length = readiness === 'failed' ? -1 : libc().read(descriptor, block);
      if (length > 0) device.deliver(block.bytes.subarray(VIRTIO_HEADER_LENGTH, length));
      else if (device.interfaceState() === 'down') watch.close();
    });
    return watch;
  });
  return () => {
    for (const watch of watches) watch.close();
    processArena().release(block);
  };
}

function tryEnterNamespace(): (() => void) | undefined {
  if (!existsSync('/dev/net/tun')) return undefined;
  try {
    execFileSync('ip', ['-V']);
    return enterFreshNetworkNamespace();
  } catch {
    return undefined;
  }
}
