// Keeps one UDP port of this host open on its router, by PCP (RFC 6887) or NAT-PMP (RFC 6886), whichever the router speaks.
// Sans-IO: it talks to the gateway alone, and nobody else's datagrams count.
//
//     asking ──granted──► mapped ──half of its life over, or the router has restarted──► asking again, mapping kept
//        └──nobody answers, or refuses──► resting, then asking again

import {
  addDuration,
  assertNever,
  bytesEqual,
  type Duration,
  durationBetween,
  endpoint,
  type Endpoint,
  endpointsEqual,
  type Instant,
  type IpAddress,
  ipAddressScope,
  milliseconds,
  minutes,
  seconds,
  type Wakeup,
} from '@shadownet/primitives';
import {
  decodeNatPmpResponse,
  encodeNatPmpAddressRequest,
  encodeNatPmpMap,
  type NatPmpResponse,
} from './nat-pmp-message.js';
import { decodePcpResponse, encodePcpAnnounce, encodePcpMap, GATEWAY_PORT, type PcpResponse } from './pcp-message.js';
import { RouterEpoch } from './router-epoch.js';

export interface PortMapperOptions {
  readonly gateway: IpAddress;
  /** Ours, towards the gateway: PCP wants to know it. IPv4, as the gateway. */
  readonly client: IpAddress;
  readonly internalPort: number;
  /** 12 bytes, secret, the same in every run: with it a node that crashed takes its old mapping over. */
  readonly nonce: Uint8Array;
}

export type PortMappingProtocol = 'pcp' | 'nat-pmp';

export interface PortMapping {
  readonly protocol: PortMappingProtocol;
  readonly external: Endpoint;
}

export type PortMapperEvent =
  /** Granted, or granted anew with another outer endpoint. */
  | { readonly kind: 'mapped'; readonly mapping: PortMapping; readonly lifetime: Duration }
  | { readonly kind: 'lost'; readonly mapping: PortMapping; readonly reason: 'refused' | 'expired' }
  /** No mapping for now: nobody answers, the router refuses, or its outer address is no public one. Tried again later. */
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason };

export type UnavailableReason = 'no-answer' | 'refused' | 'address-not-public';

export interface PortMapperOutput {
  datagram(bytes: Uint8Array, to: Endpoint): void;
}

/** What we ask for; routers may grant less. RFC 6886 §3.3 recommends twice as much, which is too long for what a crash leaves. */
const REQUESTED_LIFETIME = minutes(60);
/** A router that grants less than this would be asked without end; it is believed no earlier. */
const SHORTEST_RENEWAL = seconds(4);
/** RFC 6886 §3.1: 250 ms, doubling. Four sendings in 3.75 s: a router is a few meters away. */
const FIRST_RETRY = milliseconds(250);
const MAX_SENDINGS = 4;
/** After that much the router is asked whether it has restarted. */
const EPOCH_CHECK = seconds(30);
const REST = minutes(10);

interface Asking {
  readonly kind: 'asking';
  readonly protocol: PortMappingProtocol;
  readonly sendings: number;
  readonly dueAt: Instant;
}

type State =
  | { readonly kind: 'stopped' }
  | Asking
  | { readonly kind: 'mapped'; readonly renewAt: Instant; readonly checkAt: Instant }
  | { readonly kind: 'resting'; readonly until: Instant };

interface Granted {
  readonly mapping: PortMapping;
  readonly expiresAt: Instant;
}

export class PortMapper {
  readonly #options: PortMapperOptions;
  readonly #server: Endpoint;
  readonly #events: PortMapperEvent[] = [];
  readonly #epoch = new RouterEpoch();
  #state: State = { kind: 'stopped' };
  #granted: Granted | undefined;
  /** What NAT-PMP tells apart from the mapping. */
  #natPmpAddress: IpAddress | undefined;
  #refused = false;

  constructor(options: PortMapperOptions) {
    this.#options = options;
    this.#server = endpoint(options.gateway, GATEWAY_PORT);
  }

  get mapping(): PortMapping | undefined {
    return this.#granted?.mapping;
  }

  start(now: Instant, out: PortMapperOutput): void {
    this.#ask('pcp', now, out);
  }

  /**
   * Ends the mapping in the router, also one that was asked for and may be granted yet: sent once, as nobody waits for the answer.
   * Nothing happens afterwards until `start`.
   */
  release(out: PortMapperOutput): void {
    const state = this.#state;
    const protocol = this.#granted?.mapping.protocol ?? (state.kind === 'asking' ? state.protocol : undefined);
    this.#state = { kind: 'stopped' };
    this.#granted = undefined;
    if (protocol) out.datagram(this.#mapRequest(protocol, milliseconds(0)), this.#server);
  }

  /** True if the datagram came from the gateway and was understood. */
  handleDatagram(datagram: Uint8Array, from: Endpoint, now: Instant, out: PortMapperOutput): boolean {
    if (this.#state.kind === 'stopped' || !endpointsEqual(from, this.#server)) return false;
    const pcp = decodePcpResponse(datagram);
    if (pcp) return this.#handlePcp(pcp, now, out);
    const natPmp = decodeNatPmpResponse(datagram);
    return natPmp !== undefined && this.#handleNatPmp(natPmp, now, out);
  }

  handleTimeout(now: Instant, out: PortMapperOutput): void {
    this.#expire(now);
    const state = this.#state;
    switch (state.kind) {
      case 'stopped':
        return;
      case 'asking':
        if (now < state.dueAt) return;
        return state.sendings < MAX_SENDINGS ? this.#send(state, now, out) : this.#giveUpOn(state.protocol, now, out);
      case 'mapped':
        if (now >= state.renewAt) return this.#ask(this.#granted?.mapping.protocol ?? 'pcp', now, out);
        if (now < state.checkAt) return;
        this.#state = { ...state, checkAt: addDuration(now, EPOCH_CHECK) };
        return this.#askForEpoch(out);
      case 'resting':
        if (now >= state.until) this.#ask('pcp', now, out);
        return;
      default:
        assertNever(state);
    }
  }

  pollTimeout(): Wakeup | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'stopped':
        return undefined;
      case 'asking':
        return { at: state.dueAt, reason: `port mapping: ask by ${state.protocol}` };
      case 'mapped':
        return state.checkAt < state.renewAt
          ? { at: state.checkAt, reason: 'port mapping: has the router restarted?' }
          : { at: state.renewAt, reason: 'port mapping: renew' };
      case 'resting':
        return { at: state.until, reason: 'port mapping: try again' };
      default:
        return assertNever(state);
    }
  }

  pollEvent(): PortMapperEvent | undefined {
    return this.#events.shift();
  }

  // ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #ask(protocol: PortMappingProtocol, now: Instant, out: PortMapperOutput): void {
    this.#refused = false;
    this.#send({ kind: 'asking', protocol, sendings: 0, dueAt: now }, now, out);
  }

  #send({ protocol, sendings }: Asking, now: Instant, out: PortMapperOutput): void {
    const wait = milliseconds(2 ** sendings * FIRST_RETRY);
    this.#state = { kind: 'asking', protocol, sendings: sendings + 1, dueAt: addDuration(now, wait) };
    if (protocol === 'nat-pmp' || sendings > 0) out.datagram(encodeNatPmpAddressRequest(), this.#server);
    out.datagram(this.#mapRequest(protocol, REQUESTED_LIFETIME), this.#server);
  }

  /** Silence, or a refusal: NAT-PMP is what routers speak that know no PCP, whether they say so or not. */
  #giveUpOn(protocol: PortMappingProtocol, now: Instant, out: PortMapperOutput): void {
    if (protocol === 'pcp')
      return this.#send({ kind: 'asking', protocol: 'nat-pmp', sendings: 0, dueAt: now }, now, out);
    this.#rest(this.#refused ? 'refused' : 'no-answer', now);
  }

  #rest(reason: UnavailableReason, now: Instant): void {
    const granted = this.#granted;
    // Silence ends no mapping that was granted: it is asked for again while it lives, at ever shorter intervals.
    if (granted && reason === 'no-answer') return this.#keep(granted, durationBetween(now, granted.expiresAt), now);
    this.#state = { kind: 'resting', until: addDuration(now, REST) };
    this.#granted = undefined;
    if (granted) this.#events.push({ kind: 'lost', mapping: granted.mapping, reason: 'refused' });
    this.#events.push({ kind: 'unavailable', reason });
  }

  /** Until half of what is left of its life is over. */
  #keep(granted: Granted, left: Duration, now: Instant): void {
    this.#granted = granted;
    const renewal = milliseconds(Math.max(left / 2, SHORTEST_RENEWAL));
    this.#state = { kind: 'mapped', renewAt: addDuration(now, renewal), checkAt: addDuration(now, EPOCH_CHECK) };
  }

  #mapRequest(protocol: PortMappingProtocol, lifetime: Duration): Uint8Array {
    const { client, nonce, internalPort } = this.#options;
    const suggested = this.#granted?.mapping.external;
    switch (protocol) {
      case 'pcp':
        return encodePcpMap({ client, nonce, internalPort, suggested, lifetime });
      case 'nat-pmp':
        return encodeNatPmpMap(internalPort, lifetime === 0 ? 0 : (suggested?.port ?? internalPort), lifetime);
      default:
        return assertNever(protocol);
    }
  }

  #askForEpoch(out: PortMapperOutput): void {
    const byPcp = this.#granted?.mapping.protocol === 'pcp';
    out.datagram(byPcp ? encodePcpAnnounce(this.#options.client) : encodeNatPmpAddressRequest(), this.#server);
  }

  // ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #handlePcp(response: PcpResponse, now: Instant, out: PortMapperOutput): boolean {
    switch (response.kind) {
      case 'announce':
        this.#noteEpoch(response.epoch, now, out);
        return true;
      case 'map-refused':
        if (!this.#isAsking('pcp')) return false;
        this.#refused = true;
        this.#giveUpOn('pcp', now, out);
        return true;
      case 'mapped': {
        const { nonce, internalPort, external, lifetime, epoch } = response;
        const ours = bytesEqual(nonce, this.#options.nonce) && internalPort === this.#options.internalPort;
        if (!ours || !this.#isAsking('pcp')) return false;
        // What it grants, it grants after its restart.
        this.#epoch.follows(epoch, now);
        this.#grant({ protocol: 'pcp', external }, lifetime, now, out);
        return true;
      }
      default:
        return assertNever(response);
    }
  }

  #handleNatPmp(response: NatPmpResponse, now: Instant, out: PortMapperOutput): boolean {
    switch (response.kind) {
      case 'external-address':
        this.#natPmpAddress = response.address;
        // A router that has been asked by PCP and answers this knows NAT-PMP only.
        if (this.#isAsking('pcp')) this.#giveUpOn('pcp', now, out);
        else if (this.#granted?.mapping.protocol === 'nat-pmp') this.#noteEpoch(response.epoch, now, out);
        return true;
      case 'mapped': {
        if (response.internalPort !== this.#options.internalPort || !this.#isAsking('nat-pmp')) return false;
        // The mapping is asked for again with its address; this answer comes again, too.
        if (!this.#natPmpAddress || response.externalPort === 0) return true;
        this.#epoch.follows(response.epoch, now);
        const external = endpoint(this.#natPmpAddress, response.externalPort);
        this.#grant({ protocol: 'nat-pmp', external }, response.lifetime, now, out);
        return true;
      }
      case 'refused':
        // A router without PCP refuses its version in NAT-PMP's format (RFC 6886 §9).
        if (this.#isAsking('pcp')) {
          this.#giveUpOn('pcp', now, out);
          return true;
        }
        if (!this.#isAsking('nat-pmp')) return false;
        this.#refused = true;
        this.#giveUpOn('nat-pmp', now, out);
        return true;
      default:
        return assertNever(response);
    }
  }

  #isAsking(protocol: PortMappingProtocol): boolean {
    return this.#state.kind === 'asking' && this.#state.protocol === protocol;
  }

  #grant(mapping: PortMapping, lifetime: Duration, now: Instant, out: PortMapperOutput): void {
    if (!isPublic(mapping.external.address)) {
      // A router behind another NAT: its mapping leads nobody here, so it is given back.
      out.datagram(this.#mapRequest(mapping.protocol, milliseconds(0)), this.#server);
      return this.#rest('address-not-public', now);
    }
    const before = this.#granted?.mapping;
    this.#keep({ mapping, expiresAt: addDuration(now, lifetime) }, lifetime, now);
    if (before?.protocol === mapping.protocol && endpointsEqual(before.external, mapping.external)) return;
    this.#events.push({ kind: 'mapped', mapping, lifetime });
  }

  /** After a restart of the router its mappings are gone, whatever their lifetime was: ours is asked for at once. */
  #noteEpoch(epoch: number, now: Instant, out: PortMapperOutput): void {
    if (this.#epoch.follows(epoch, now) || this.#state.kind !== 'mapped') return;
    this.#ask(this.#granted?.mapping.protocol ?? 'pcp', now, out);
  }

  #expire(now: Instant): void {
    const granted = this.#granted;
    if (!granted || now < granted.expiresAt) return;
    this.#granted = undefined;
    this.#events.push({ kind: 'lost', mapping: granted.mapping, reason: 'expired' });
    if (this.#state.kind === 'mapped') this.#state = { kind: 'resting', until: now };
  }
}

function isPublic(address: IpAddress): boolean {
  return ipAddressScope(address) === 'global';
}
