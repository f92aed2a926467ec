// The soak: streams both ways whose every byte is checked, one after another, a handshake forced every minute, and the resident
// memory of both ends every five seconds. Started by soak.mjs.
import { readFileSync } from 'node:fs';
import { pause } from '../lab/eventually.js';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';
import { TunnelLab, type TunnelPair } from '../wireguard/tunnel-lab.js';
import { type DataPlane, type WireGuardEnd } from '../wireguard/wireguard-end.js';
import { memoryGrowth, type MemorySample } from './resident-memory.js';

const SAMPLE_EVERY_MS = 5000;
const REKEY_EVERY_MS = 60_000;
const STREAM_BYTES = 50_000_000;
const STREAM_TIMEOUT_MS = 120_000;
/** What the allocator may keep in fragments. */
const MAX_GROWTH_BYTES = 8_000_000;

/** Returns the exit code. */
export async function soak(minutes: number, dataPlane?: string): Promise<number> {
  const options = dataPlane === undefined ? {} : { dataPlane: dataPlane as DataPlane };
  const lab = await TunnelLab.create();
  try {
    const pair = await lab.newTunnel({ ...options, theirs: 'shadownet-wg' });
    if (!(await pair.ours.canPing(pair.theirs))) throw new Error('the tunnel does not come up');
    return await run(pair, performance.now() + minutes * 60_000);
  } finally {
    await lab.dispose();
  }
}

async function run(pair: TunnelPair, deadline: number): Promise<number> {
  const ends = [pair.ours, pair.theirs];
  const samples = new Map<WireGuardEnd, MemorySample[]>(ends.map((end) => [end, []]));
  const startedAt = performance.now();
  const isOver = (): boolean => performance.now() >= deadline;
  let streams = 0;
  let isWrong = false;

  const sample = async (): Promise<void> => {
    while (!isOver()) {
      const atMs = performance.now() - startedAt;
      const line = [];
      for (const end of ends) {
        const bytes = await residentBytes(end);
        samples.get(end)!.push({ atMs, bytes });
        line.push(`${(bytes / 1e6).toFixed(1)} MB`);
      }
      say(`${(atMs / 1000).toFixed(0).padStart(5)} s   ${line.join('   ')}   ${String(streams)} streams`);
      await pause(Math.min(SAMPLE_EVERY_MS, Math.max(0, deadline - performance.now())));
    }
  };
  const stream = async (from: WireGuardEnd, to: WireGuardEnd, address: string): Promise<void> => {
    while (!isOver() && !isWrong) {
      const { sent, received } = await sendChecksummed(from.host, to.host, address, STREAM_BYTES, STREAM_TIMEOUT_MS);
      streams++;
      if (sent !== received) isWrong = true;
    }
  };
  const rekey = async (): Promise<void> => {
    for (let next = startedAt + REKEY_EVERY_MS; !isOver(); await pause(100)) {
      if (performance.now() < next) continue;
      next += REKEY_EVERY_MS;
      await renewSession(pair);
    }
  };
  const { ours, theirs } = pair;
  await Promise.all([
    sample(),
    rekey(),
    stream(ours, theirs, theirs.addresses[0]),
    stream(theirs, ours, ours.addresses[1]),
  ]);

  if (isWrong) say('A stream arrived with other bytes than were sent.');
  let exitCode = isWrong ? 1 : 0;
  for (const [end, its] of samples) {
    const growth = memoryGrowth(its);
    say(`${end.interfaceName} grew by ${(growth / 1e6).toFixed(1)} MB after its warm-up.`);
    if (growth > MAX_GROWTH_BYTES) exitCode = 1;
  }
  say(exitCode === 0 ? `Passed: ${String(streams)} streams without a wrong byte, and memory is flat.` : 'Failed.');
  return exitCode;
}

/** Taking the peer away and giving it back ends its sessions; the streams go on under a new one. */
async function renewSession({ ours, theirs }: TunnelPair): Promise<void> {
  const { endpoint } = await ours.peer(theirs);
  await ours.set('peer', theirs.publicKey, 'remove');
  await ours.addPeer(theirs, { endpoint });
}

async function residentBytes(end: WireGuardEnd): Promise<number> {
  const status = readFileSync(`/proc/${String(await end.pid())}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
