import { parseIpAddress } from '@shadownet/primitives';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import type { DescriptorWatch } from './descriptor-watch.js';
import { libc } from './libc.js';
import { setInterfaceAddress, setInterfaceDown, setInterfaceUp } from './netdevice.js';
import { watchNetworkChanges } from './network-changes.js';
import { enterFreshNetworkNamespace } from './network-namespace.js';
import { openTunDescriptor } from './tun-descriptor.js';

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe.skipIf(!leaveNamespace)('watchNetworkChanges (needs root, namespaces and /dev/net/tun)', () => {
  let watch: DescriptorWatch | undefined;
  afterEach(() => watch?.close());

  it('hears of a new link, of its addresses, and that it goes up and down; then nothing more', async () => {
    let changes = 0;
    watch = watchNetworkChanges(() => changes++);
    let device = -1;
    const steps: [string, () => void][] = [
      ['a link', () => (device = openTunDescriptor('dev0'))],
      ['an IPv4 address', () => setInterfaceAddress('dev0', parseIpAddress('198.18.4.1')!, 22)],
      ['up', () => setInterfaceUp('dev0')],
      ['down', () => setInterfaceDown('dev0')],
      ['no link', () => libc().close(device)],
    ];
    for (const [what, step] of steps) {
      await quiet(() => changes);
      const before = changes;
      step();
      await expect.poll(() => changes, { message: what }).toBeGreaterThan(before);
    }
    await quiet(() => changes);
    watch.close();
    const before = changes;
    libc().close(openTunDescriptor('dev1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(changes).toBe(before);
  });
});

/** Waits until nothing has been counted for a moment. */
async function quiet(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function tryEnterNamespace(): (() => void) | undefined {
  try {
    return enterFreshNetworkNamespace();
  } catch {
    return undefined;
  }
}
