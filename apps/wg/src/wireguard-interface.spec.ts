// Two interfaces on memory TUNs and real loopback sockets: what shadownet-wg does around the engine.
import { nodeCrypto } from '@shadownet/crypto';
import { encodeHex, encodeUtf8, type PublicKey } from '@shadownet/primitives';
import { portableDataPlane } from '@shadownet/dataplane';
import { MemoryTun } from '@shadownet/tun';
import { openLinuxUdp } from '@shadownet/udp';
import { RequestReader, Tai64nSource, UapiErrno } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { secureRandom, wallNanoseconds } from './clock.js';
import type { WgLog } from './wg-log.js';
import { WireGuardInterface } from './wireguard-interface.js';

class SwitchableTun extends MemoryTun {
  state: 'up' | 'down' | 'unknown' = 'down';

  override interfaceState(): 'up' | 'down' | 'unknown' {
    return this.state;
  }
}

class End {
  readonly tun = new SwitchableTun();
  readonly events: string[] = [];
  /** Timestamps, of each key. */
  readonly reserved = new Map<string, bigint>();
  readonly privateKey = secureRandom(32);
  readonly publicKey = encodeHex(nodeCrypto.privateKey(this.privateKey).publicKey);
  readonly wireguard: WireGuardInterface;

  constructor(readonly address: string) {
    const log: WgLog = { event: (event) => void this.events.push(event) };
    const timestampsOf = (publicKey: PublicKey): Tai64nSource => {
      const owner = encodeHex(publicKey);
      const reserve = (until: bigint): void => void this.reserved.set(owner, until);
      return new Tai64nSource({ wallNanoseconds, lastReserved: this.reserved.get(owner) ?? 0n, reserve });
    };
    this.wireguard = new WireGuardInterface({
      dataPlane: portableDataPlane(this.tun),
      crypto: nodeCrypto,
      timestampsOf,
      log,
    });
    onTestFinished(() => this.wireguard.close());
  }

  set(...lines: string[]): UapiErrno | 0 {
    const [request] = new RequestReader().push(encodeUtf8(['set=1', ...lines, '', ''].join('\n')));
    if (request?.kind !== 'set') throw new Error(JSON.stringify(request));
    return this.wireguard.apply(request.change);
  }

  setPrivateKey(privateKey = this.privateKey): void {
    this.set(`private_key=${encodeHex(privateKey)}`);
  }

  switch(state: 'up' | 'down' | 'unknown'): void {
    this.tun.state = state;
    this.wireguard.followInterfaceState();
  }

  get port(): number {
    return this.wireguard.describe().listenPort;
  }

  knows(other: End): void {
    const endpoint = other.port === 0 ? [] : [`endpoint=127.0.0.1:${other.port}`];
    this.set(`public_key=${other.publicKey}`, ...endpoint, `allowed_ip=${other.address}/32`);
  }

  /** Sends a packet with a number, as an application of this host does. */
  sendTo(other: End, number: number): void {
    this.tun.inject(ipv4Packet(this.address, other.address, number));
  }

  get receivedNumbers(): number[] {
    return this.tun.written.map((packet) => packet[20]!);
  }
}

let alice: End;
let bob: End;
beforeEach(() => {
  alice = new End('10.0.0.1');
  bob = new End('10.0.0.2');
  for (const end of [alice, bob]) end.setPrivateKey();
});

function connect(): void {
  for (const end of [alice, bob]) end.switch('up');
  alice.knows(bob);
  bob.knows(alice);
}

describe.skipIf(process.platform !== 'linux')('an interface (needs Linux)', () => {
  it('carries packets once both ends are up', async () => {
    connect();
    alice.sendTo(bob, 1);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1]));
    bob.sendTo(alice, 2);
    await vi.waitFor(() => expect(alice.receivedNumbers).toEqual([2]));
    expect(alice.events).toContain('handshake');
  });

  it('has no socket while it is down, and keeps the port that it got', () => {
    expect(alice.port).toBe(0);
    alice.switch('up');
    const { port } = alice;
    expect(port).toBeGreaterThan(0);
    expect(() => openLinuxUdp({ port, mark: 0 })).toThrow('in use');
    alice.switch('down');
    expect(alice.port).toBe(port);
  });

  it('sends nothing for what is set after it went down, though nobody has looked yet', () => {
    for (const end of [alice, bob]) end.switch('up');
    alice.tun.state = 'down';
    alice.knows(bob);
    alice.set(`public_key=${bob.publicKey}`, 'persistent_keepalive_interval=1');
    expect(alice.events.at(-1)).toBe('interface-down');
    expect(alice.wireguard.describe().peers[0]!.txBytes).toBe(0);
  });

  it('is brought up by the first packet if nobody looked before', async () => {
    connect();
    alice.switch('down');
    alice.tun.state = 'up';
    alice.sendTo(bob, 3);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([3]));
  });

  it('is brought up by the first packet if nobody can tell its state', async () => {
    connect();
    alice.switch('down');
    alice.switch('unknown');
    expect(alice.events.at(-1)).toBe('interface-down');
    alice.sendTo(bob, 3);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([3]));
  });

  it('stays as it is while nobody can tell its state', async () => {
    connect();
    alice.switch('unknown');
    alice.sendTo(bob, 4);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([4]));
  });

  it('keeps its sessions when the same private key is set again, and ends them with another', async () => {
    connect();
    alice.sendTo(bob, 1);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1]));
    const handshakes = (): number => bob.events.filter((event) => event === 'handshake').length;
    expect(handshakes()).toBe(1);
    alice.setPrivateKey();
    alice.sendTo(bob, 2);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1, 2]));
    expect(handshakes()).toBe(1);
    const other = secureRandom(32);
    alice.setPrivateKey(other);
    bob.set(`public_key=${encodeHex(nodeCrypto.privateKey(other).publicKey)}`, 'allowed_ip=10.0.0.1/32');
    alice.sendTo(bob, 3);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1, 2, 3]));
    expect(handshakes()).toBe(2);
  });

  it('takes the timestamps of the key that it has', async () => {
    connect();
    const reserved = 4_000_000_000_000_000_000n;
    alice.setPrivateKey(secureRandom(32));
    alice.reserved.set(alice.publicKey, reserved);
    alice.setPrivateKey();
    alice.sendTo(bob, 1);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1]));
    expect([...alice.reserved.keys()]).toEqual([alice.publicKey]);
    expect(alice.reserved.get(alice.publicKey)).toBeGreaterThan(reserved);
  });

  it('moves to another port at run time, and the other end follows', async () => {
    connect();
    alice.sendTo(bob, 1);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1]));
    const { port } = alice;
    expect(alice.set('listen_port=0')).toBe(0);
    expect(alice.port).not.toBe(port);
    alice.sendTo(bob, 2);
    await vi.waitFor(() => expect(bob.receivedNumbers).toEqual([1, 2]));
    expect(bob.wireguard.describe().peers[0]!.endpoint!.port).toBe(alice.port);
  });

  it('refuses a change whose port is taken as a whole', () => {
    connect();
    const before = alice.wireguard.describe();
    expect(alice.set(`listen_port=${bob.port}`, `private_key=${'1'.repeat(64)}`, 'replace_peers=true')).toBe(
      UapiErrno.EADDRINUSE,
    );
    expect(alice.wireguard.describe()).toEqual(before);
  });

  it('waits for its port while another socket has it, and says so once', async () => {
    const other = openLinuxUdp({ port: 0, mark: 0 });
    onTestFinished(() => other.close());
    alice.set(`listen_port=${other.port}`);
    alice.switch('up');
    alice.switch('up');
    expect(alice.events).toEqual(['socket-failed']);
    await other.close();
    alice.switch('up');
    expect(alice.events).toEqual(['socket-failed', 'interface-up']);
  });

  it('never has itself as a peer, whichever of key and peer comes first and whether it is up or not', () => {
    const own = `public_key=${alice.publicKey}`;
    alice.set(own);
    expect(alice.wireguard.describe().peers).toEqual([]);
    alice.set(`private_key=${'0'.repeat(64)}`, own);
    expect(alice.wireguard.describe().peers).toHaveLength(1);
    alice.setPrivateKey();
    expect(alice.wireguard.describe().peers).toEqual([]);
  });
});

function ipv4Packet(source: string, destination: string, number: number): Uint8Array {
  const packet = new Uint8Array(21);
  packet[0] = 0x45;
  packet[3] = packet.length;
  packet.set(source.split('.').map(Number), 12);
  packet.set(destination.split('.').map(Number), 16);
  packet[20] = number;
  return packet;
}
