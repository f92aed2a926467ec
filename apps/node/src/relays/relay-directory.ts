// The relays that the control server names, as libs/relay takes them: names are resolved, and what is told relative to the
// server's own address is made absolute. Used by node-relays.ts.

import { lookup } from 'node:dns/promises';
import type { Relay } from '@shadownet/contracts';
import {
  decodeBase64,
  type Endpoint,
  endpoint,
  type IpAddress,
  parseIpAddress,
  parsePublicKey,
} from '@shadownet/primitives';
import type { RelayDescription } from '@shadownet/relay';

const NO_TICKET = new Uint8Array(0);

export class RelayDirectory {
  readonly #control: URL;
  readonly #families: readonly (4 | 6)[];
  /** What a name stood for when it was asked for last with success: a name server that is away must not end a connection. */
  readonly #known = new Map<string, readonly IpAddress[]>();

  /** `families`: those that the node's UDP socket can send to. */
  constructor(control: URL, families: readonly (4 | 6)[]) {
    this.#control = control;
    this.#families = families;
  }

  /** In the order in which they are named; one whose key or URL makes no sense is left out. */
  async describe(relays: readonly Relay[]): Promise<RelayDescription[]> {
    const described = await Promise.all(relays.map((relay) => this.#describe(relay)));
    return described.filter((relay) => relay !== undefined);
  }

  async #describe(relay: Relay): Promise<RelayDescription | undefined> {
    const publicKey = parsePublicKey(relay.public_key);
    const ticket = relay.ticket === null ? NO_TICKET : decodeBase64(relay.ticket);
    if (!publicKey || !ticket) return undefined;
    const host = relay.host ?? this.#control.hostname.replace(/^\[|\]$/g, '');
    const udp = relay.udp_port === null ? [] : await this.#endpoints(host, relay.udp_port);
    return { id: relay.id, publicKey, udp, websocketUrl: this.#webSocketUrl(relay.websocket_url), ticket };
  }

  /** The first address of each family. */
  async #endpoints(host: string, port: number): Promise<Endpoint[]> {
    const found = await lookup(host, { all: true }).catch(() => []);
    const addresses = found.flatMap(({ address }) => parseIpAddress(address) ?? []);
    if (addresses.length > 0) this.#known.set(host, addresses);
    const known = this.#known.get(host) ?? [];
    return this.#families.flatMap((family) => {
      const address = known.find((one) => one.family === family);
      return address ? [endpoint(address, port)] : [];
    });
  }

  #webSocketUrl(text: string | null): string | undefined {
    if (text === null || !URL.canParse(text, this.#control.href)) return undefined;
    const url = new URL(text, this.#control);
    if (url.protocol === 'http:') url.protocol = 'ws:';
    if (url.protocol === 'https:') url.protocol = 'wss:';
    return url.protocol === 'ws:' || url.protocol === 'wss:' ? url.href : undefined;
  }
}
