// One WireGuard interface: the engine beside the data plane that moves its packets, and what the UAPI sets of it. Everything about the protocol is the engine's; this is its network, its clock and its state of up or down.
//
// A device without a private key neither sends nor accepts anything. So the engine is given the key exactly while the
// interface is up, and the socket exists for exactly as long.

import type { CryptoProvider } from '@shadownet/crypto';
import type { DataPlane } from '@shadownet/dataplane';
import {
  assertNever,
  encodePublicKey,
  formatPath,
  type Path,
  type PublicKey,
  publicKeyFromBytes,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import type { UapiTarget } from '@shadownet/uapi';
import { type LinuxUdpSocket, UdpError } from '@shadownet/udp';
import {
  applyPeerChanges,
  checkPeerChanges,
  describePeers,
  Device,
  type DeviceChange,
  type DeviceEvent,
  type DeviceOutput,
  type TimestampSource,
  type UapiDevice,
  UapiErrno,
} from '@shadownet/wireguard';
import { monotonicNow, secureRandom, wallNanosecondsAt } from './clock.js';
import type { WgLog } from './wg-log.js';
import { zoneNumber } from './zone-number.js';

export interface WireGuardInterfaceOptions {
  /** Not attached yet; closed with the interface. */
  readonly dataPlane: DataPlane;
  readonly crypto: CryptoProvider;
  /** Asked for each private key that the interface is given. */
  readonly timestampsOf: (publicKey: PublicKey) => TimestampSource;
  readonly log: WgLog;
}

const MAX_PEERS = 65_536;

type Link = { readonly kind: 'down' } | { readonly kind: 'up'; readonly socket: LinuxUdpSocket };

interface Identity {
  readonly privateKey: Secret;
  readonly publicKey: PublicKey;
  readonly timestamps: TimestampSource;
}

export class WireGuardInterface implements UapiTarget {
  readonly zoneNumber = zoneNumber;
  readonly #dataPlane: DataPlane;
  readonly #tun: DataPlane['tun'];
  readonly #crypto: CryptoProvider;
  readonly #timestampsOf: WireGuardInterfaceOptions['timestampsOf'];
  readonly #log: WgLog;
  readonly #device: Device;
  readonly #output: DeviceOutput = {
    datagram: (bytes, path, trafficClass) => this.#send(bytes, path, trafficClass),
    packet: (bytes) => this.#tun.write(bytes),
  };
  #link: Link = { kind: 'down' };
  #identity: Identity | undefined;
  #listenPort = 0;
  #firewallMark = 0;
  /** What was logged when the socket could not be opened: it is not said again at each attempt. */
  #socketFailure: string | undefined;
  #timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;

  constructor({ dataPlane, crypto, timestampsOf, log }: WireGuardInterfaceOptions) {
    this.#dataPlane = dataPlane;
    this.#tun = dataPlane.tun;
    this.#crypto = crypto;
    this.#log = log;
    this.#timestampsOf = timestampsOf;
    this.#device = new Device({
      crypto,
      random: secureRandom,
      timestamps: { next: () => this.#nextTimestamp() },
      endpoints: 'roaming',
      maxPeers: MAX_PEERS,
      workerPairs: Math.max(1, dataPlane.workerPairs),
    });
    this.#tun.onPacket((packet) => this.#onPacket(packet));
    dataPlane.attach({
      device: this.#device,
      output: this.#output,
      now: monotonicNow,
      settle: () => this.#settle(),
      fail: (reason) => {
        throw reason;
      },
    });
  }

  /** Looks whether the interface was brought up or down or given another MTU, and follows. To be called a few times a second. */
  followInterfaceState(): void {
    const state = this.#tun.interfaceState();
    this.#device.setMtu(this.#tun.mtu);
    this.#dataPlane.publish();
    if (state === 'up' && this.#link.kind === 'down') this.#bringUp();
    if (state === 'down' && this.#link.kind === 'up') this.#bringDown();
  }

  describe(): UapiDevice {
    return {
      privateKey: this.#identity?.privateKey,
      listenPort: this.#listenPort,
      firewallMark: this.#firewallMark,
      peers: describePeers(this.#device, wallNanosecondsAt),
    };
  }

  apply(change: DeviceChange): UapiErrno | 0 {
    // Whoever took the interface down a moment ago must not see it speak because of what is set now.
    this.followInterfaceState();
    const shortage = checkPeerChanges(this.#device, change);
    if (shortage !== 0) return shortage;
    try {
      this.#configureSocket(change.listenPort ?? this.#listenPort, change.firewallMark ?? this.#firewallMark);
    } catch (error) {
      if (error instanceof UdpError) return errnoOf(error);
      throw error;
    }
    if (change.privateKey !== undefined) this.#setPrivateKey(change.privateKey);
    applyPeerChanges(this.#device, change, this.#identity?.publicKey, monotonicNow(), this.#output);
    this.#settle();
    return 0;
  }

  settled(): Promise<void> {
    return this.#dataPlane.settled();
  }

  /** Ends all sessions, zeroes their keys and removes the interface. */
  async close(): Promise<void> {
    this.#bringDown();
    this.#identity?.privateKey.zero();
    clearTimeout(this.#timer?.handle);
    await this.#dataPlane.close();
  }

  // ── Configuration ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes effect at once while the interface is up, else when it comes up. Throws UdpError, and then nothing has changed. */
  #configureSocket(listenPort: number, firewallMark: number): void {
    if (this.#link.kind === 'up') {
      const { socket } = this.#link;
      if (listenPort !== socket.port) {
        const next = this.#openSocket(listenPort, firewallMark);
        this.#link = { kind: 'up', socket: next };
        void socket.close();
        listenPort = next.port;
      } else if (firewallMark !== this.#firewallMark) socket.setMark(firewallMark);
    }
    this.#listenPort = listenPort;
    this.#firewallMark = firewallMark;
  }

  #setPrivateKey(privateKey: Secret | 'none'): void {
    const old = this.#identity;
    if (privateKey === 'none') this.#identity = undefined;
    else {
      // The same key again, as in every `wg syncconf`, must not end the sessions.
      if (old && this.#crypto.equal(old.privateKey.expose(), privateKey.expose())) return;
      this.#identity = this.#identityOf(privateKey);
      this.#device.removePeer(this.#identity.publicKey, monotonicNow());
    }
    old?.privateKey.zero();
    this.#handKeyToDevice();
  }

  #identityOf(given: Secret): Identity {
    const key = this.#crypto.privateKey(given.expose());
    const publicKey = publicKeyFromBytes(key.publicKey)!;
    key.zero();
    return { privateKey: Secret.copy(given.expose()), publicKey, timestamps: this.#timestampsOf(publicKey) };
  }

  /** The device asks only while it has a key. */
  #nextTimestamp(): Uint8Array {
    if (!this.#identity) throw new Error('an initiation without a private key');
    return this.#identity.timestamps.next();
  }

  #handKeyToDevice(): void {
    if (this.#link.kind === 'up' && this.#identity) {
      this.#device.setPrivateKey(this.#identity.privateKey.expose(), monotonicNow());
    } else this.#device.clearPrivateKey();
  }

  #bringUp(): void {
    try {
      const socket = this.#openSocket(this.#listenPort, this.#firewallMark);
      this.#link = { kind: 'up', socket };
      this.#listenPort = socket.port;
    } catch (error) {
      if (!(error instanceof UdpError)) throw error;
      // The interface is up without a network until the port is free or another is set: it is tried again at each look.
      if (this.#socketFailure !== error.message) this.#log.event('socket-failed', { error: error.message });
      this.#socketFailure = error.message;
      return;
    }
    this.#socketFailure = undefined;
    this.#log.event('interface-up', { interface: this.#tun.name, port: this.#listenPort });
    this.#handKeyToDevice();
    this.#settle();
  }

  #bringDown(): void {
    if (this.#link.kind === 'down') return;
    void this.#link.socket.close();
    this.#link = { kind: 'down' };
    this.#handKeyToDevice();
    this.#settle();
    this.#log.event('interface-down', { interface: this.#tun.name });
  }

  #openSocket(port: number, mark: number): LinuxUdpSocket {
    const socket = this.#dataPlane.openSocket({ port, mark });
    socket.onDatagram((datagram, from, local) => {
      this.#device.handleDatagram(datagram, udpPath(from, local), monotonicNow(), this.#output);
      this.#settle();
    });
    return socket;
  }

  // ── Traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #onPacket(packet: Uint8Array): void {
    // The first packet tells that the interface is up before the next look does, or where a look cannot tell.
    if (this.#link.kind === 'down' && this.#tun.interfaceState() !== 'down') this.#bringUp();
    this.#device.handlePacket(packet, monotonicNow(), this.#output);
    this.#settle();
  }

  #send(datagram: Uint8Array, path: Path, trafficClass: number): void {
    if (this.#link.kind !== 'up' || path.kind !== 'udp') return;
    this.#link.socket.send(datagram, path.remote, { from: path.local, trafficClass });
  }

  /** After everything that the device was told: workers learn of it, its events are logged and its next deadline is kept. */
  #settle(): void {
    this.#dataPlane.publish();
    for (let event = this.#device.pollEvent(); event; event = this.#device.pollEvent()) this.#logEvent(event);
    const next = this.#device.pollTimeout();
    // A timer that goes off too early costs one look; setting one anew for each packet would cost more.
    if (!next || (this.#timer && this.#timer.at <= next.at)) return;
    clearTimeout(this.#timer?.handle);
    const delay = Math.max(0, Math.ceil(next.at - monotonicNow()));
    this.#timer = { at: next.at, handle: setTimeout(() => this.#onTimer(), delay) };
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.followInterfaceState();
    this.#device.handleTimeout(monotonicNow(), this.#output);
    this.#settle();
  }

  #logEvent(event: DeviceEvent): void {
    const peer = encodePublicKey(event.peer);
    switch (event.kind) {
      case 'handshake-completed':
        return this.#log.event('handshake', { peer, role: event.role });
      case 'handshake-gave-up':
      case 'session-expired':
        return this.#log.event(event.kind, { peer });
      case 'path-changed':
        return this.#log.event('path-changed', { peer, endpoint: formatPath(event.path) });
      // A peer without an endpoint cannot be reached until it speaks first; 'external' endpoints are not used here.
      case 'handshake-wanted':
      case 'authenticated-from':
      case 'traffic':
        return undefined;
      default:
        return assertNever(event);
    }
  }
}

function errnoOf(error: UdpError): UapiErrno {
  switch (error.code) {
    case 'port-in-use':
      return UapiErrno.EADDRINUSE;
    case 'port-not-permitted':
    case 'mark-not-permitted':
      return UapiErrno.EPERM;
    case 'socket-failed':
      return UapiErrno.EIO;
    default:
      return assertNever(error.code);
  }
}
