// A port mapping on one gateway for as long as it is our gateway: by PCP or NAT-PMP where the router speaks them, else by UPnP.

import { PortMapper, type PortMapperOutput, type PortMappingProtocol, type UnavailableReason } from '@shadownet/paths';
import { type Endpoint, type Instant, ipAddressesEqual } from '@shadownet/primitives';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import type { Gateway } from './default-gateway.js';
import { UpnpMapping } from './upnp-mapping.js';

export interface ForwardedPort {
  readonly protocol: PortMappingProtocol | 'upnp-igd';
  readonly external: Endpoint;
}

export interface RouterSessionOptions {
  readonly gateway: Gateway;
  readonly internalPort: number;
  /** 12 bytes (PortMapper). */
  readonly nonce: Uint8Array;
  readonly now: () => Instant;
  readonly onChange: (port: ForwardedPort | undefined) => void;
  readonly onUnavailable: (reason: UnavailableReason) => void;
}

/** The release goes over UDP: sent so often, or until the router answers. */
const RELEASES_AT_MS = [0, 100, 250];
const RELEASE_PATIENCE_MS = 400;
/** A router that has stopped to answer holds nobody up. */
const UPNP_RELEASE_PATIENCE_MS = 1000;

export class RouterSession {
  readonly #options: RouterSessionOptions;
  readonly #mapper: PortMapper;
  readonly #stopped = new AbortController();
  readonly #socket: UdpSocket;
  readonly #output: PortMapperOutput;
  #mapperTimer: NodeJS.Timeout | undefined;
  #upnpTimer: NodeJS.Timeout | undefined;
  #upnp: UpnpMapping | undefined;
  /** What of UPnP is under way: one thing at a time. */
  #upnpWork: Promise<void> = Promise.resolve();

  private constructor(options: RouterSessionOptions, socket: UdpSocket) {
    this.#options = options;
    this.#socket = socket;
    this.#output = { datagram: (bytes, to) => socket.send(bytes, to) };
    const { gateway, internalPort, nonce } = options;
    this.#mapper = new PortMapper({ gateway: gateway.address, client: gateway.local, internalPort, nonce });
    socket.onDatagram((datagram, from) => {
      if (this.#mapper.handleDatagram(datagram, from, options.now(), this.#output)) this.#settle();
    });
    this.#mapper.start(options.now(), this.#output);
    this.#settle();
  }

  /** Throws UdpError, as when our address towards the gateway has just gone. */
  static async open(options: RouterSessionOptions): Promise<RouterSession> {
    return new RouterSession(options, await openPortableUdp({ address: options.gateway.local }));
  }

  /** Gives the mapping back, in about a second at most. */
  async close(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#mapperTimer);
    clearTimeout(this.#upnpTimer);
    await Promise.all([this.#releaseByUdp(), within(UPNP_RELEASE_PATIENCE_MS, this.#releaseByUpnp())]);
    await this.#socket.close();
  }

  #settle(): void {
    if (this.#stopped.signal.aborted) return;
    for (let event = this.#mapper.pollEvent(); event; event = this.#mapper.pollEvent()) {
      if (event.kind === 'mapped') this.#options.onChange(event.mapping);
      else if (event.kind === 'lost') this.#options.onChange(undefined);
      else this.#onUnavailable(event.reason);
    }
    clearTimeout(this.#mapperTimer);
    const wakeup = this.#mapper.pollTimeout();
    if (!wakeup) return;
    const { now } = this.#options;
    const delay = Math.max(0, Math.ceil(wakeup.at - now()));
    this.#mapperTimer = setTimeout(() => {
      this.#mapper.handleTimeout(now(), this.#output);
      this.#settle();
    }, delay);
  }

  /** Once per round of the mapper, so every ten minutes where nothing is offered. */
  #onUnavailable(reason: UnavailableReason): void {
    if (reason === 'address-not-public') return this.#options.onUnavailable(reason);
    this.#upnpWork = this.#upnpWork.then(() => this.#openByUpnp());
  }

  async #openByUpnp(): Promise<void> {
    if (this.#upnp || this.#stopped.signal.aborted) return;
    const { gateway, internalPort, now, onChange, onUnavailable } = this.#options;
    const opened = await UpnpMapping.open(gateway, internalPort, now, this.#stopped.signal).catch(
      () => ({ ok: false, reason: 'no-answer' }) as const,
    );
    if (!opened.ok) {
      if (!this.#stopped.signal.aborted) onUnavailable(opened.reason);
      return;
    }
    this.#upnp = opened.mapping;
    if (this.#stopped.signal.aborted) return;
    // One mapping is enough: the mapper rests until this one is lost.
    this.#mapper.release(this.#output);
    this.#settle();
    onChange({ protocol: 'upnp-igd', external: opened.mapping.external });
    this.#checkLater(opened.mapping);
  }

  #checkLater(mapping: UpnpMapping): void {
    this.#upnpTimer = setTimeout(() => {
      this.#upnpWork = this.#upnpWork.then(() => this.#check(mapping));
    }, mapping.checkInterval);
  }

  async #check(mapping: UpnpMapping): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { now, onChange } = this.#options;
    const state = await mapping.check(now());
    if (this.#stopped.signal.aborted) return;
    if (state === 'moved') onChange({ protocol: 'upnp-igd', external: mapping.external });
    if (state !== 'lost') return this.#checkLater(mapping);
    this.#upnp = undefined;
    onChange(undefined);
    this.#mapper.start(now(), this.#output);
    this.#settle();
  }

  #releaseByUdp(): Promise<void> {
    const releases: { bytes: Uint8Array; to: Endpoint }[] = [];
    this.#mapper.release({ datagram: (bytes, to) => releases.push({ bytes, to }) });
    if (releases.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timers = RELEASES_AT_MS.map((delay) =>
        setTimeout(() => {
          for (const { bytes, to } of releases) this.#socket.send(bytes, to);
        }, delay),
      );
      const done = (): void => {
        timers.forEach(clearTimeout);
        resolve();
      };
      timers.push(setTimeout(done, RELEASE_PATIENCE_MS));
      this.#socket.onDatagram((_datagram, from) => {
        if (ipAddressesEqual(from.address, this.#options.gateway.address)) done();
      });
    });
  }

  async #releaseByUpnp(): Promise<void> {
    await this.#upnpWork;
    await this.#upnp?.close();
  }
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
