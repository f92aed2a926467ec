// The node's port mapping while gateways come and go: at any time one session on the gateway that is ours.

import type { UnavailableReason } from '@shadownet/paths';
import type { Instant } from '@shadownet/primitives';
import { UdpError } from '@shadownet/udp';
import { type Gateway, gatewaysEqual } from './default-gateway.js';
import { type ForwardedPort, RouterSession } from './router-session.js';

export interface PortForwardingOptions {
  readonly internalPort: number;
  /** 12 bytes (PortMapper). */
  readonly nonce: Uint8Array;
  readonly now: () => Instant;
  readonly onChange: (port: ForwardedPort | undefined) => void;
  readonly onUnavailable: (reason: UnavailableReason, gateway: Gateway) => void;
}

export class PortForwarding {
  readonly #options: PortForwardingOptions;
  #gateway: Gateway | undefined;
  #session: RouterSession | undefined;
  #port: ForwardedPort | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: PortForwardingOptions) {
    this.#options = options;
  }

  get port(): ForwardedPort | undefined {
    return this.#port;
  }

  get gateway(): Gateway | undefined {
    return this.#gateway;
  }

  /** Maps the port on this gateway from now on, and no longer on the one before; `undefined`: on none. */
  use(gateway: Gateway | undefined): void {
    if (gatewaysEqual(gateway, this.#gateway)) return;
    this.#gateway = gateway;
    this.#work = this.#work.then(() => this.#move(gateway));
  }

  /** Resolves when the router has been asked to forget the mapping. */
  stop(): Promise<void> {
    this.use(undefined);
    return this.#work;
  }

  async #move(gateway: Gateway | undefined): Promise<void> {
    const before = this.#session;
    this.#session = undefined;
    this.#set(undefined);
    await before?.close();
    if (!gateway || gateway !== this.#gateway) return;
    const { internalPort, nonce, now, onUnavailable } = this.#options;
    try {
      this.#session = await RouterSession.open({
        ...{ gateway, internalPort, nonce, now },
        onChange: (port) => {
          if (this.#gateway === gateway) this.#set(port);
        },
        onUnavailable: (reason) => onUnavailable(reason, gateway),
      });
    } catch (error) {
      if (!(error instanceof UdpError)) throw error;
      // Our address has gone meanwhile. What comes instead is another gateway, or the same one with another address of ours.
      onUnavailable('no-answer', gateway);
    }
  }

  #set(port: ForwardedPort | undefined): void {
    if (port === this.#port) return;
    this.#port = port;
    this.#options.onChange(port);
  }
}
