// The laboratory itself: what its NATs are called is what they do, and nothing of it stays behind.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../lab/command.js';
import { eventually, pause } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { type NatBehaviour } from '../lab/nat-behaviour.js';
import { type NatRouter } from '../lab/nat-router.js';
import { namespaceNames, pidsInside } from '../lab/network-namespace.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { UdpPeer } from '../lab/udp-peer.js';

/** How long a datagram that must not arrive gets to arrive. */
const SILENCE_MS = 300;

const INSIDE = '192.168.1.2';

describe.skipIf(whyNoLab() !== undefined)('the namespace laboratory', () => {
  let lab: Lab;
  let near: LabHost;
  let far: LabHost;
  beforeAll(async () => {
    lab = await Lab.create();
    near = await lab.addPublicHost('near', '203.0.113.10');
    far = await lab.addPublicHost('far', '203.0.113.11');
  });
  afterAll(() => lab.dispose());

  let lastOctet = 20;
  async function behindNat(behaviour: NatBehaviour): Promise<{ router: NatRouter; host: LabHost }> {
    lastOctet += 1;
    const address = `203.0.113.${String(lastOctet)}`;
    const router = await lab.addNat(`nat${String(lastOctet)}`, { behaviour, address, lan: '192.168.1.1/24' });
    return { router, host: await lab.addHost(`host${String(lastOctet)}`, router, INSIDE) };
  }

  /** What two public hosts see of one socket behind the NAT, and who can reach it afterwards. */
  async function examine(host: LabHost): Promise<{ seen: string[]; reachableFrom: string[] }> {
    const socket = await UdpPeer.start(host, 0);
    const asked = [await UdpPeer.start(near, 7001, 'name'), await UdpPeer.start(far, 7001, 'name')];
    const seen = [await socket.ask('203.0.113.10:7001'), await socket.ask('203.0.113.11:7001')];
    const strangers = {
      'asked address, other port': await UdpPeer.start(near, 7002),
      'other address': await UdpPeer.start(await strangerHost(), 7001),
    };
    const reachableFrom: string[] = [];
    for (const [who, stranger] of Object.entries(strangers)) {
      socket.received.length = 0;
      stranger.send(seen[0]!, 'hello');
      await pause(SILENCE_MS);
      if (socket.received.length > 0) reachableFrom.push(who);
    }
    for (const peer of [socket, ...asked, ...Object.values(strangers)]) await peer.stop();
    return { seen, reachableFrom };
  }

  let stranger: Promise<LabHost> | undefined;
  function strangerHost(): Promise<LabHost> {
    stranger ??= lab.addPublicHost('stranger', '203.0.113.12');
    return stranger;
  }

  it('port-restricted: one mapping for all destinations, and only who was asked may answer', async () => {
    const { host, router } = await behindNat({ kind: 'port-restricted' });
    const { seen, reachableFrom } = await examine(host);
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).toMatch(new RegExp(`^${router.address}:`));
    expect(reachableFrom).toEqual([]);
  });

  it('hard: another port for each destination', async () => {
    const { host } = await behindNat({ kind: 'hard' });
    const { seen, reachableFrom } = await examine(host);
    expect(seen[0]).not.toBe(seen[1]);
    expect(reachableFrom).toEqual([]);
  });

  it('full cone: one mapping, and anyone may use it', async () => {
    const { host } = await behindNat({ kind: 'full-cone', inside: INSIDE });
    const { seen, reachableFrom } = await examine(host);
    expect(seen[0]).toBe(seen[1]);
    expect(reachableFrom).toEqual(['asked address, other port', 'other address']);
  });

  it('address-restricted: any port of an address that was asked may answer, no other address', async () => {
    const { host } = await behindNat({ kind: 'address-restricted', inside: INSIDE });
    const { seen, reachableFrom } = await examine(host);
    expect(seen[0]).toBe(seen[1]);
    expect(reachableFrom).toEqual(['asked address, other port']);
  });

  it('UDP blocked: no answer over UDP, while TCP passes', async () => {
    const { host } = await behindNat({ kind: 'udp-blocked' });
    const socket = await UdpPeer.start(host, 0);
    const asked = await UdpPeer.start(near, 7003, 'name');
    await expect(socket.ask('203.0.113.10:7003', 500)).rejects.toThrow('an answer of 203.0.113.10:7003');
    expect(asked.received).toEqual([]);
    const server = near.spawn([
      process.execPath,
      '-e',
      'require("net").createServer((s) => s.end("yes")).listen(7004)',
    ]);
    const ask = 'require("net").connect(7004, "203.0.113.10").pipe(process.stdout)';
    await eventually('TCP to pass', 5000, async () =>
      (await host.tryRun([process.execPath, '-e', ask])).stdout === 'yes' ? true : undefined,
    );
    for (const process of [socket, asked, server]) await process.stop();
  });

  it('two NATs in a row: the public side sees the outer one', async () => {
    const carrier = await lab.addNat('carrier', {
      behaviour: { kind: 'port-restricted' },
      address: '203.0.113.50',
      lan: '100.64.0.1/24',
    });
    const home = await lab.addNat('home', {
      behaviour: { kind: 'port-restricted' },
      address: '100.64.0.2',
      lan: '192.168.1.1/24',
      behind: carrier,
    });
    const host = await lab.addHost('homely', home, INSIDE);
    const { seen, reachableFrom } = await examine(host);
    expect(seen[0]).toMatch(/^203\.0\.113\.50:/);
    expect(seen[1]).toBe(seen[0]);
    expect(reachableFrom).toEqual([]);
  });

  it('an unsolicited datagram does not cost the inner host its port', async () => {
    const { host, router } = await behindNat({ kind: 'port-restricted' });
    const asked = await UdpPeer.start(near, 7005, 'name');
    asked.send(`${router.address}:4500`, 'too early');
    await pause(SILENCE_MS);
    const socket = await UdpPeer.start(host, 4500);
    expect(await socket.ask('203.0.113.10:7005')).toBe(`${router.address}:4500`);
    for (const peer of [socket, asked]) await peer.stop();
  });

  it('rebinding: the other side sees a new port, still one for all destinations', async () => {
    const { host, router } = await behindNat({ kind: 'port-restricted' });
    const socket = await UdpPeer.start(host, 0);
    const asked = [await UdpPeer.start(near, 7006, 'name'), await UdpPeer.start(far, 7006, 'name')];
    const before = await socket.ask('203.0.113.10:7006');
    const rebinding = await router.rebind();
    const after = await socket.ask('203.0.113.10:7006');
    expect(after).not.toBe(before);
    expect(await socket.ask('203.0.113.11:7006')).toBe(after);
    const proof = await router.waitUntilRebound(rebinding, '203.0.113.10', 1000);
    expect([proof.before.outside, proof.after.outside]).toEqual([before, after]);
    await router.rebind();
    expect([before, after]).not.toContain(await socket.ask('203.0.113.10:7006'));
    for (const peer of [socket, ...asked]) await peer.stop();
  });

  it('loss: about the share of datagrams that was asked for does not arrive', async () => {
    const { host, router } = await behindNat({ kind: 'port-restricted' });
    const socket = await UdpPeer.start(host, 0);
    const asked = await UdpPeer.start(near, 7007);
    await router.setLoss(0.5);
    for (let i = 0; i < 400; i += 1) socket.send('203.0.113.10:7007', String(i));
    await pause(SILENCE_MS);
    // Six standard deviations around the 200 that are expected.
    expect(asked.received.length).toBeGreaterThan(140);
    expect(asked.received.length).toBeLessThan(260);
    await router.setLoss(0);
    asked.received.length = 0;
    for (let i = 0; i < 50; i += 1) socket.send('203.0.113.10:7007', String(i));
    await eventually('all to arrive without loss', 3000, () => (asked.received.length === 50 ? true : undefined));
    for (const peer of [socket, asked]) await peer.stop();
  });

  it('two LANs with the same subnet: each host reaches its own neighbour', async () => {
    const { router: left, host: leftHost } = await behindNat({ kind: 'port-restricted' });
    const { router: right, host: rightHost } = await behindNat({ kind: 'port-restricted' });
    for (const [router, host] of [
      [left, leftHost],
      [right, rightHost],
    ] as const) {
      const neighbour = await lab.addHost(`${router.label}-3`, router, '192.168.1.3');
      const listening = await UdpPeer.start(neighbour, 7008, 'name');
      const socket = await UdpPeer.start(host, 0);
      expect(await socket.ask('192.168.1.3:7008')).toBe(`${INSIDE}:${String(socket.port)}`);
      for (const peer of [socket, listening]) await peer.stop();
    }
  });

  it('a command that fails shows itself and what it said', async () => {
    await expect(near.ip('link', 'set', 'nowhere', 'up')).rejects.toThrow(
      /"ip -n snlab-.*-near link set nowhere up" ended with 1: Cannot find device "nowhere"/,
    );
  });
});

describe.skipIf(whyNoLab() !== undefined)('the end of a lab', () => {
  const devices = async (): Promise<string[]> =>
    (await run(['ip', '-o', 'link'])).stdout.split('\n').map((line) => line.split(': ')[1] ?? '');

  it('removes namespaces, devices, processes and files', async () => {
    const devicesBefore = await devices();
    const lab = await Lab.create();
    const router = await lab.addNat('nat', {
      behaviour: { kind: 'port-restricted' },
      address: '203.0.113.21',
      lan: '192.168.1.1/24',
    });
    const host = await lab.addHost('host', router, INSIDE);
    const stubborn = host.spawn(['sh', '-c', 'trap "" TERM INT; while :; do sleep 1; done']);
    const polite = host.spawn(['sleep', '1000']);
    await eventually('both processes inside', 3000, async () =>
      (await pidsInside(host.name)).length >= 3 ? true : undefined,
    );
    expect((await namespaceNames()).filter((name) => name.startsWith(lab.id))).toHaveLength(3);

    await lab.dispose();

    expect((await namespaceNames()).filter((name) => name.startsWith(lab.id))).toEqual([]);
    expect(await stubborn.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await polite.ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(existsSync(lab.tempDir)).toBe(false);
    await eventually('no new device on the machine', 3000, async () =>
      (await devices()).every((device) => devicesBefore.includes(device)) ? true : undefined,
    );
  });

  it.each([
    ['a signal', 'await new Promise(() => setInterval(() => undefined, 1000));', 'SIGINT'],
    ['process.exit', 'process.exit(3);', 3],
    ['an uncaught error', 'setTimeout(() => { throw new Error("bug"); });', 1],
  ] as const)('comes also when its owner ends by %s', async (_how, ending, expectedEnd) => {
    const owner = await startLabOwner(ending);
    const id = await owner.labId;
    if (expectedEnd === 'SIGINT') owner.child.kill('SIGINT');
    expect(await owner.ended).toBe(expectedEnd);
    expect((await namespaceNames()).filter((name) => name.startsWith(id))).toEqual([]);
    expect(existsSync(join(tmpdir(), id))).toBe(false);
  });

  it('removes what the lab of a killed owner left, and only that', async () => {
    const mine = await Lab.create();
    // A process that is over: its pid and start time belong to nobody now.
    const gone = spawn('true');
    await new Promise((resolve) => gone.once('close', resolve));
    const orphan = `snlab-${String(gone.pid)}-1-abcdef-internet`;
    await run(['ip', 'netns', 'add', orphan]);
    const left = spawn('ip', ['netns', 'exec', orphan, 'sleep', '1000']);
    const ended = new Promise((resolve) => left.once('close', (_code, signal) => resolve(signal)));
    await eventually('the orphan process', 3000, async () =>
      (await pidsInside(orphan)).length === 1 ? true : undefined,
    );

    const next = await Lab.create();

    expect(await ended).toBe('SIGKILL');
    const names = await namespaceNames();
    expect(names).not.toContain(orphan);
    expect(names).toContain(mine.internet.name);
    await next.dispose();
    await mine.dispose();
  });
});

/** Another process that makes a lab with a running program in it, writes the lab's id, and then does `ending`. */
async function startLabOwner(ending: string) {
  const program = `
    import { Lab } from './test/lab/lab.ts';
    const lab = await Lab.create();
    lab.internet.spawn(['sleep', '1000']);
    process.stdout.write(lab.id);
    ${ending}`;
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: inRepository(''), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    // The bundle is a module without a file; it is told where it would lie.
    define: { 'import.meta.url': JSON.stringify(`file://${inRepository('test/e2e/lab.spec.ts')}`) },
  });
  const child = spawn(process.execPath, ['--input-type=module'], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.end(outputFiles[0]?.text);
  return {
    child,
    labId: new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))),
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal))),
  };
}
