// The STUN server that comes with the control server: Binding requests on (usually two) UDP ports, and on a second address if
// it has one, so that a node can learn its address, and of what kind its NAT is, without any outside service.

import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { CryptoProvider } from '@shadownet/crypto';
import { endpoint, formatIpAddress, type IpAddress, ipAddressScope } from '@shadownet/primitives';
import {
  BindingServer,
  type BindingServerCounters,
  type BindingServerOutput,
  type ServerSocket,
} from '@shadownet/stun';
import { openPortableUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { KeyRing } from '../auth/key-ring.js';
import { type Clock, CLOCK } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ControlError } from '../control-error.js';
import { CRYPTO } from '../identity/identity.module.js';

/** A node asks each port once in 20 s, and some tens of times while it finds out about its NAT; behind one address there may be many. */
const MAX_PER_SOURCE_PER_SECOND = 50;

@Injectable()
export class StunService implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(StunService.name);
  #server = new BindingServer({ maxPerSourcePerSecond: MAX_PER_SOURCE_PER_SECOND });
  #sockets: readonly UdpSocket[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #output: BindingServerOutput = {
    datagram: (bytes, to, socket) => this.#sockets[socket]?.send(bytes, to),
  };

  constructor(
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
    private readonly keyRing: KeyRing,
  ) {}

  async onModuleInit(): Promise<void> {
    const { stun } = this.config;
    if (!stun) return;
    const sockets: UdpSocket[] = [];
    this.#sockets = sockets;
    for (const port of stun.ports) sockets.push(await openSocket(stun.address, port));
    const primary = describeSockets('primary', stun.address, sockets);
    const { alternateAddress } = stun;
    if (alternateAddress) for (const { port } of primary) sockets.push(await openSocket(alternateAddress, port));
    const alternate = alternateAddress
      ? describeSockets('alternate', alternateAddress, sockets.slice(primary.length))
      : [];
    this.#serve([...primary, ...alternate]);
  }

  /** The ports in use, in the order of the configuration. */
  get ports(): number[] {
    return this.#sockets.slice(0, this.config.stun?.ports.length ?? 0).map(({ port }) => port);
  }

  /** Null where nodes should use the host by which they reach the API. */
  get announcedHost(): string | null {
    if (!this.config.stun || ipAddressScope(this.config.stun.address) === 'unspecified') return null;
    return this.config.stun.announced ? formatIpAddress(this.config.stun.address) : null;
  }

  get counters(): Readonly<BindingServerCounters> {
    return this.#server.counters;
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#sockets.map((socket) => socket.close()));
    this.#logger.debug({ event: 'stun-closed', ...this.counters });
  }

  #serve(sockets: readonly ServerSocket[]): void {
    this.#server = new BindingServer({
      software: 'ShadowNet',
      maxPerSourcePerSecond: MAX_PER_SOURCE_PER_SECOND,
      sockets,
      answerAgain: {
        keyOf: (id) => this.keyRing.stunKeyOf(id),
        hmac: (key, input) => this.crypto.hmacSha256(key, input),
      },
    });
    for (const [index, socket] of this.#sockets.entries()) {
      socket.onDatagram((datagram, from) => {
        this.#server.handleDatagram(datagram, from, index, this.clock.monotonic(), this.#output);
        this.#setTimer();
      });
    }
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const wakeup = this.#server.pollTimeout();
    if (!wakeup) return;
    const delay = Math.max(0, Math.ceil(wakeup.at - this.clock.monotonic()));
    this.#timer = setTimeout(() => {
      this.#server.handleTimeout(this.clock.monotonic(), this.#output);
      this.#setTimer();
    }, delay);
  }
}

/** Where the server listens on all addresses it doesn't know which of them a client sees. */
function describeSockets(
  host: ServerSocket['host'],
  address: IpAddress,
  sockets: readonly UdpSocket[],
): ServerSocket[] {
  const known = ipAddressScope(address) !== 'unspecified';
  return sockets.map(({ port }) => ({ host, port, ...(known && { endpoint: endpoint(address, port) }) }));
}

async function openSocket(address: IpAddress, port: number): Promise<UdpSocket> {
  try {
    // All IPv6 addresses means all addresses: the dual-stack socket.
    const everywhere = address.family === 6 && ipAddressScope(address) === 'unspecified';
    return await openPortableUdp(everywhere ? { port } : { port, address });
  } catch (error) {
    if (!(error instanceof UdpError)) throw error;
    throw new ControlError('address-in-use', `STUN on UDP ${formatIpAddress(address)}:${port}: ${error.message}`, {
      cause: error,
    });
  }
}
