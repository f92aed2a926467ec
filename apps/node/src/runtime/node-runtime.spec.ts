import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createJoinKey,
  exportedRecordingSchema,
  joinProofMessage,
  type Peer,
  type RegisterRequest,
} from '@shadownet/contracts';
import { Ed25519Signer, Ed25519Verifier, nodeCrypto } from '@shadownet/crypto';
import { portableDataPlane } from '@shadownet/dataplane';
import { MemoryTun } from '@shadownet/tun';
import { decodeBase64, encodePublicKey, parsePublicKey, publicKeyFromBytes, seconds } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../config.js';
import { askNode } from '../control-socket/control-socket-client.js';
import { FakeControl } from '../testing/fake-control.js';
import { RecordingLog } from '../testing/recording-log.js';
import { NodeRuntime, type OpenDataPlane } from './node-runtime.js';
import type { NodeStatus } from './node-status.js';
import type { PeerExplanation } from './peer-explanation.js';

/** At an address that is nobody's (RFC 5737). */
const PEER: Peer = {
  id: '11111111-1111-4111-8111-111111111111',
  public_key: 'BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=',
  hostname: 'backup',
  virtual_ip: '10.100.0.9',
  endpoint: null,
  candidates: [{ kind: 'host', ip: '192.0.2.9', port: 51820 }],
  home_relay: null,
  os: 'Linux',
  allowed_ips: ['10.100.0.9/32'],
  online: true,
  last_heartbeat: null,
};

describe('a node', () => {
  let folder: string;
  let control: FakeControl;
  let log: RecordingLog;
  let runtimes: NodeRuntime[];
  let tuns: RecordingTun[];
  let choices: Parameters<OpenDataPlane>[0][];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-node-'));
    control = new FakeControl();
    await control.start();
    log = new RecordingLog();
    runtimes = [];
    tuns = [];
    choices = [];
  });
  afterEach(async () => {
    for (const runtime of runtimes) await runtime.stop();
    await control.stop();
    rmSync(folder, { recursive: true });
  });

  const openDataPlane: OpenDataPlane = async (choice) => {
    const { name, mtu } = choice.tun;
    const tun = new RecordingTun({ name, mtu });
    tuns.push(tun);
    choices.push(choice);
    return { dataPlane: portableDataPlane(tun), fallbackReason: 'it is a test' };
  };

  function node(changes: Partial<NodeConfig> = {}): NodeRuntime {
    const config: NodeConfig = {
      control: control.url,
      controlKey: undefined,
      joinKey: undefined,
      interfaceName: 'test0',
      runDirectory: join(folder, 'run'),
      stateDirectory: join(folder, 'state'),
      uapiDirectory: join(folder, 'uapi'),
      hostname: 'a',
      port: 0,
      stunServers: undefined,
      logLevel: 'info',
      startTimeout: seconds(5),
      portMapping: 'on',
      portGuessing: 'on',
      dataPlane: 'auto',
      workerPairs: 1,
      ...changes,
    };
    const runtime = new NodeRuntime({ config, log, openDataPlane, onStopRequest: () => {}, onFatal: () => {} });
    runtimes.push(runtime);
    return runtime;
  }

  /** Starts the node, and plays the server's part of it. */
  async function up(runtime: NodeRuntime): Promise<string> {
    const streams = control.streams.length;
    const started = runtime.start();
    await Promise.race([started, expect.poll(() => control.streams.length, { timeout: 10_000 }).toBe(streams + 1)]);
    control.streams.at(-1)?.send('map', control.map);
    return started;
  }

  const status = () => askNode(join(folder, 'run/test0.sock'), { command: 'status' }) as Promise<NodeStatus>;

  it('comes up in the documented order', async () => {
    const summary = await up(node());
    expect(summary).toBe(`test0 is up: 10.100.0.7 in 10.100.0.0/16, registered with ${control.url.href}`);
    const order = [
      'keys-ready',
      'data-plane',
      'socket-bound',
      'server-key-pinned',
      'registered',
      'interface-up',
      'ready',
    ] as const;
    const seen = log.entries.map(({ event }) => event).filter((event) => (order as readonly string[]).includes(event));
    expect(seen).toEqual(order);
    expect(tuns.map(({ broughtUpWith }) => broughtUpWith)).toEqual([[['10.100.0.7/16']]]);
  });

  it('makes its interface down and without an address, and says how packets are moved', async () => {
    await up(node());
    expect(choices).toEqual([
      { workerPairs: 1, tun: { name: 'test0', mtu: 1280, addresses: [], initialState: 'down' } },
    ]);
    expect(log.of('data-plane')).toEqual([{ kind: 'portable', workers: 0, reason: 'it is a test' }]);
  });

  it('comes up with the address and the map of its last run while the server is away, and registers when it is back', async () => {
    control.map = { ...control.map, peers: [PEER] };
    const first = node();
    await up(first);
    await first.stop();
    await control.stop();

    const summary = await node().start();
    expect(summary).toContain('test0 is up: 10.100.0.7 in 10.100.0.0/16');
    expect(log.of('network-remembered')).toEqual([{ assigned_ip: '10.100.0.7', peers: 1 }]);
    expect(tuns[1]!.broughtUpWith).toEqual([['10.100.0.7/16']]);
    expect(await status()).toMatchObject({ control: { connected: false }, peers: [{ public_key: PEER.public_key }] });

    const registrations = control.seen('/register').length;
    await control.start();
    await expect.poll(() => control.seen('/register').length, { timeout: 15_000 }).toBe(registrations + 1);
    await expect.poll(() => control.seen('/events').at(-1)?.lastEventId, { timeout: 15_000 }).toBe('1.1');
  });

  it('does not come up while the server is away with what somebody else has written', async () => {
    const first = node();
    await up(first);
    await first.stop();
    await control.stop();
    const file = join(folder, 'state/network');
    writeFileSync(file, readFileSync(file, 'utf8').replace('10.100.0.7', '10.100.0.8'));
    await expect(node({ startTimeout: seconds(1) }).start()).rejects.toMatchObject({ code: 'control-unreachable' });
  });

  it('asks for the data plane that it is told to use', async () => {
    await up(node({ dataPlane: 'linux' }));
    expect(choices[0]?.kind).toBe('linux');
  });

  it('takes no server key but the one that it was given, and pins that', async () => {
    const other = publicKeyFromBytes(nodeCrypto.privateKey(new Uint8Array(32).fill(9)).publicKey)!;
    const refused = node({ controlKey: other });
    await expect(refused.start()).rejects.toMatchObject({ code: 'server-key-changed' });
    await refused.stop();
    expect(control.seen('/register')).toEqual([]);
    await up(node({ controlKey: control.publicKey }));
    expect(log.of('server-key-pinned')).toEqual([{ server_public_key: encodePublicKey(control.publicKey) }]);
  });

  it('shows its join key by a proof for itself and this server, and sends nothing of the key', async () => {
    const joinKey = createJoinKey((length) => new Uint8Array(length).fill(7));
    await up(node({ joinKey }));
    const body = control.seen('/register')[0]!.body as RegisterRequest;
    const message = joinProofMessage(parsePublicKey(body.public_key)!, control.publicKey);
    const { publicKey } = new Ed25519Signer(joinKey.seed.expose());
    expect(body.join!.key_id).toBe(joinKey.id);
    expect(new Ed25519Verifier(publicKey).verify(message, decodeBase64(body.join!.signature)!)).toBe(true);
    // The id is of the same bytes, and shorter than this.
    const seed = '07'.repeat(32);
    expect(JSON.stringify([control.requests, log.entries])).not.toContain(seed);
  });

  it('waits for an admin to approve it, and says how to join where a key is needed', async () => {
    control.refusals.set('/register', { status: 403, code: 'approval-pending' });
    await up(node());
    expect(control.seen('/register')).toHaveLength(2);
    control.refusals.set('/register', { status: 403, code: 'join-key-required' });
    await runtimes.pop()!.stop();
    await expect(node().start()).rejects.toMatchObject({
      code: 'control-refused',
      message: expect.stringContaining('join-key create'),
    });
  });

  it('tells its status by the control socket', async () => {
    await up(node());
    expect(await status()).toMatchObject({
      state: 'up',
      interface: 'test0',
      virtual_ip: '10.100.0.7',
      network_cidr: '10.100.0.0/16',
      tun_mtu: 1280,
      dataplane: 'portable',
      workers: 0,
      control: { url: control.url.href, public_key: encodePublicKey(control.publicKey), connected: true },
      peers: [],
    });
  });

  it('explains the path to a peer that it knows, without a secret, and says so if it knows none of that name', async () => {
    const explain = (peer: string) => askNode(join(folder, 'run/test0.sock'), { command: 'explain', peer });
    control.map = { ...control.map, peers: [PEER] };
    await up(node());
    const answer = async (peer: string) => (await explain(peer)) as PeerExplanation;
    await expect
      .poll(async () => (await answer('backup')).explanation)
      .toMatchObject({ path: 'none', verdict: 'none of 1 endpoints answered: no path' });
    for (const name of [PEER.virtual_ip, PEER.public_key]) expect((await answer(name)).hostname).toBe('backup');
    const exported = await answer('backup');
    expect(exportedRecordingSchema.parse(exported).recording).toEqual(exported.recording);

    const privateKey = readFileSync(join(folder, 'state/private.key'), 'utf8').trim();
    for (const secret of [privateKey, Buffer.from(privateKey, 'base64').toString('hex')]) {
      expect(JSON.stringify(exported)).not.toContain(secret);
    }
    await expect(explain('nobody')).rejects.toThrow('no peer is called nobody');
  });

  it('has the same key, id and port after a restart', async () => {
    const first = node();
    await up(first);
    await first.stop();
    const second = node();
    await up(second);
    const [before, after] = control.seen('/register').map(({ body }) => body as { id: string; public_key: string });
    expect([after!.id, after!.public_key]).toEqual([before!.id, before!.public_key]);
    const [port, portAgain] = log.of('socket-bound').map(({ port }) => port);
    expect(portAgain).toBe(port);
  });

  it('refuses a control server whose key has changed, and registers nothing with it', async () => {
    const first = node();
    await up(first);
    await first.stop();
    await control.stop();
    control = new FakeControl();
    await control.start();
    await expect(node().start()).rejects.toMatchObject({
      code: 'server-key-changed',
      message: expect.stringContaining(`delete ${join(folder, 'state/server.pub')}`),
    });
    expect(control.requests).toEqual([]);
  });

  it('gives up clearly if the control server does not answer, and leaves nothing behind', async () => {
    await control.stop();
    const runtime = node({ startTimeout: seconds(1) });
    await expect(runtime.start()).rejects.toMatchObject({
      code: 'control-unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await runtime.stop();
    expect(existsSync(join(folder, 'run/test0.sock'))).toBe(false);
    expect(tuns).toMatchObject([{ broughtUpWith: [], isClosed: true }]);
  });

  it('gives up in time on a server that accepts connections and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const start = performance.now();
    const starting = node({ control: new URL(`http://127.0.0.1:${port}`), startTimeout: seconds(1) }).start();
    await expect(starting).rejects.toMatchObject({
      code: 'control-unreachable',
      message: expect.stringContaining('in time'),
    });
    expect(performance.now() - start).toBeLessThan(2500);
    silent.close();
  });

  it('takes interface and socket down and says goodbye when it stops', async () => {
    const runtime = node();
    await up(runtime);
    await runtime.stop();
    expect(tuns[0]!.isClosed).toBe(true);
    expect(existsSync(join(folder, 'run/test0.sock'))).toBe(false);
    expect(control.seen('/goodbye')).toHaveLength(1);
  });

  it('does not start twice on one interface', async () => {
    await up(node());
    await expect(node().start()).rejects.toMatchObject({ code: 'already-running' });
  });

  describe('and its socket for wg', () => {
    const path = () => join(folder, 'uapi/test0.sock');

    async function ask(request: string): Promise<string> {
      const connection = connect(path());
      connection.write(request);
      const [answer] = (await once(connection, 'data')) as [Buffer];
      connection.destroy();
      return answer.toString();
    }

    it('shows the port, takes no orders, and says so in the log', async () => {
      await up(node());
      expect(statSync(path()).mode & 0o777).toBe(0o600);
      const [{ port } = { port: 0 }] = log.of('socket-bound');
      expect(await ask('get=1\n\n')).toBe(`listen_port=${port}\nerrno=0\n\n`);
      expect(await ask('set=1\nlisten_port=1\n\n')).toBe('errno=-1\n\n');
      expect(await ask('set=1\nlisten_port=x\n\n')).toBe('errno=-22\n\n');
      expect(log.of('uapi-refused')).toEqual([
        { errno: 1, reason: 'set by the mesh alone' },
        { errno: 22, reason: 'refused: listen_port' },
      ]);
      expect((await status()).udp_port).toBe(port);
    });

    it('removes it when it stops', async () => {
      const runtime = node();
      await up(runtime);
      await runtime.stop();
      expect(existsSync(path())).toBe(false);
    });

    it('comes up without it while another program has it, and leaves it alone', async () => {
      mkdirSync(join(folder, 'uapi'), { mode: 0o700 });
      const other = createServer().listen(path());
      await once(other, 'listening');
      const runtime = node();
      expect(await up(runtime)).toContain('test0 is up');
      expect(log.of('uapi-unavailable')).toEqual([{ error: `${path()} is served by a running process` }]);
      await runtime.stop();
      expect(existsSync(path())).toBe(true);
      await new Promise((resolve) => other.close(resolve));
    });

    it('comes up without it where it cannot be made', async () => {
      writeFileSync(join(folder, 'uapi'), 'a file');
      expect(await up(node())).toContain('test0 is up');
      expect(log.of('uapi-unavailable')).toHaveLength(1);
    });

    it('makes none if it is told so', async () => {
      await up(node({ uapiDirectory: undefined }));
      expect(existsSync(join(folder, 'uapi'))).toBe(false);
      expect(log.of('uapi-unavailable')).toEqual([]);
    });
  });

  it('counts datagrams of strangers and goes on', async () => {
    await up(node());
    const { createSocket } = await import('node:dgram');
    const stranger = createSocket('udp4');
    const { udp_port: port } = await status();
    for (const datagram of ['hello', '', '\u0001'.repeat(148), '\u0004\0\0\0'.repeat(20)]) {
      await new Promise((resolve) => stranger.send(datagram, port, '127.0.0.1', resolve));
    }
    stranger.close();
    await expect.poll(async () => (await status()).counters['datagram-unknown']).toBeGreaterThan(0);
  });
});

class RecordingTun extends MemoryTun {
  /** The addresses of each call. */
  readonly broughtUpWith: string[][] = [];
  isClosed = false;

  override bringUp(addresses: Parameters<MemoryTun['bringUp']>[0]): void {
    this.broughtUpWith.push(addresses.map(({ address, length }) => `${address.bytes.join('.')}/${length}`));
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    await super.close();
  }
}
