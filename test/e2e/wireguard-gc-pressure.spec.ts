// The packet workers hand addresses of memory to system calls and to OpenSSL. Were one of them to outlive its memory, bytes would
// go wrong sooner or later; here they do sooner: each thread collects all its garbage many times a second and moves what it can.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../lab/repository.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';
import { OUR_HOST, THEIR_HOST, TunnelLab } from '../wireguard/tunnel-lab.js';

const RUN_MS = 60_000;
const STREAM_BYTES = 20_000_000;
/** In each of the two workers; the main thread has little to do. */
const MIN_COLLECTIONS = 300;
const FLAGS = [
  '--expose-gc',
  '--stress-compaction',
  '--trace-gc',
  '--import',
  inRepository('test/wireguard/collect-often.mjs'),
];

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined)('shadownet-wg under collection (needs root, wg and wireguard-go)', () => {
  let lab: TunnelLab;
  beforeAll(async () => {
    lab = await TunnelLab.create();
  });
  afterAll(() => lab?.dispose());

  it(
    'gets every byte right for a minute while its garbage is collected all the time',
    { timeout: 150_000 },
    async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane: 'linux' });
      await ours.signal('SIGTERM');
      await ours.untilEnded();
      const child = await ours.startInForeground(FLAGS);
      const collections = new Map<string, number>();
      child.onLine((line) => {
        const isolate = /^\[\d+:(0x[0-9a-f]+)\] .* Mark-Compact /.exec(line)?.[1];
        if (isolate !== undefined) collections.set(isolate, (collections.get(isolate) ?? 0) + 1);
      });
      await ours.set('private-key', ours.privateKeyFile, 'listen-port', String(ours.port));
      await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}` });
      await theirs.addPeer(ours, { endpoint: `${OUR_HOST}:${String(ours.port)}` });
      await ours.up();
      await theirs.up();
      expect(await ours.canPing(theirs)).toBe(true);

      const deadline = performance.now() + RUN_MS;
      while (performance.now() < deadline) {
        const streams = await Promise.all([
          sendChecksummed(lab.ourHost, lab.theirHost, theirs.addresses[0], STREAM_BYTES, 60_000),
          sendChecksummed(lab.theirHost, lab.ourHost, ours.addresses[1], STREAM_BYTES, 60_000),
        ]);
        for (const { sent, received } of streams) expect(received).toBe(sent);
      }
      expect(child.running).toBe(true);
      const [, lessBusyWorker = 0] = [...collections.values()].sort((a, b) => b - a);
      expect(lessBusyWorker).toBeGreaterThan(MIN_COLLECTIONS);
      await child.stop();
    },
  );
});
