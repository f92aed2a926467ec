// A tunnel through a network that loses, doubles, delays and reorders datagrams, handshakes included: slower, and never wrong.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';
import { RoughForwarder } from '../wireguard/rough-forwarder.js';
import { THEIR_HOST, TunnelLab } from '../wireguard/tunnel-lab.js';
import { type LabHost } from '../lab/lab.js';

const FORWARDER = '203.0.113.30';
const PORT = 4500;
const STREAM_BYTES = 3_000_000;
const ROUGH = { loss: 0.01, duplication: 0.02, reordering: 0.05, delayMs: 3, reorderMs: 5 };

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined)('shadownet-wg over a rough network (needs root, wg and wireguard-go)', () => {
  let lab: TunnelLab;
  let between: LabHost;
  beforeAll(async () => {
    lab = await TunnelLab.create();
    between = await lab.lab.addPublicHost('between', FORWARDER);
  });
  afterAll(() => lab?.dispose());

  let forwarders = 0;
  it.each(['linux', 'portable'] as const)(
    'gets every byte right both ways (%s)',
    { timeout: 90_000 },
    async (dataPlane) => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      const n = ++forwarders;
      const target = { address: THEIR_HOST, port: theirs.port };
      const forwarder = await RoughForwarder.start(between, PORT + n, target, { seed: n, ...ROUGH });
      await ours.addPeer(theirs, { endpoint: `${FORWARDER}:${String(PORT + n)}` });
      await theirs.addPeer(ours);
      await ours.up();
      await theirs.up();
      expect(await ours.canPing(theirs, 4, 20)).toBe(true);

      const streams = await Promise.all([
        sendChecksummed(lab.ourHost, lab.theirHost, theirs.addresses[0], STREAM_BYTES, 60_000),
        sendChecksummed(lab.theirHost, lab.ourHost, ours.addresses[1], STREAM_BYTES, 60_000),
      ]);
      for (const { sent, received } of streams) expect(received).toBe(sent);
      const { lost, doubled, reordered } = await forwarder.stop();
      // It really was a rough network.
      expect(Math.min(lost, doubled, reordered)).toBeGreaterThan(20);
    },
  );
});
