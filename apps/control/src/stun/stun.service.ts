// The STUN server that comes with the control server: Binding requests on (usually two) UDP ports, so that a node can learn
// its address, and whether its NAT maps it differently towards different ports, without any outside service.

import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { formatIpAddress, ipAddressScope } from '@shadownet/primitives';
import { BindingServer, type BindingServerCounters } from '@shadownet/stun';
import { openPortableUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { type Clock, CLOCK } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ControlError } from '../control-error.js';

/** A node asks each port once in 20 s; behind one address there may be many. */
const MAX_PER_SOURCE_PER_SECOND = 50;

@Injectable()
export class StunService implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(StunService.name);
  readonly #server = new BindingServer({ software: 'ShadowNet', maxPerSourcePerSecond: MAX_PER_SOURCE_PER_SECOND });
  #sockets: readonly UdpSocket[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    const sockets: UdpSocket[] = [];
    this.#sockets = sockets;
    for (const port of this.config.stun?.ports ?? []) {
      const socket = await this.#open(port);
      sockets.push(socket);
      socket.onDatagram((datagram, from) => {
        const answer = this.#server.answer(datagram, from, this.clock.monotonic());
        if (answer) socket.send(answer, from);
      });
    }
  }

  /** The ports in use, in the order of the configuration. */
  get ports(): number[] {
    return this.#sockets.map(({ port }) => port);
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
    await Promise.all(this.#sockets.map((socket) => socket.close()));
    this.#logger.debug({ event: 'stun-closed', ...this.counters });
  }

  async #open(port: number): Promise<UdpSocket> {
    const { address } = this.config.stun!;
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
}
