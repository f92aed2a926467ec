// Paths as packet workers read them, in a SharedArrayBuffer. An entry is written before its number is published and never
// changed while anyone may read it (docs/adr, concurrency rule 8).
//
//   entry, 64 bytes    family (4)  port (4)  socket (4)  zone (4)  address (16)  local address (16)
//                      relay session's slot + 1, its generation, channel (3 × 4)  – (4)
//
// The local address is of the same family, or all zero where the system shall choose. The slot's cell is 0 for a path straight to
// the peer; otherwise the endpoint is the relay's.

import { type Endpoint, endpoint, ipAddressFromBytes, type UdpPath } from '@shadownet/primitives';
import type { RelayOrigin } from './relay-route.js';

const ENTRY_LENGTH = 64;
const FAMILY = 0;
const PORT = 1;
const SOCKET = 2;
const ZONE = 3;
const ADDRESS = 16;
const LOCAL = 32;
const RELAY_SLOT = 12;
const RELAY_GENERATION = 13;
const CHANNEL = 14;

export class PathTable {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(source: { readonly entries: number } | SharedArrayBuffer) {
    this.buffer = source instanceof SharedArrayBuffer ? source : new SharedArrayBuffer(source.entries * ENTRY_LENGTH);
    this.#cells = new Int32Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
  }

  /** Main thread only, before the number is published. With `relay`, `path` leads to the relay. */
  write(entry: number, path: UdpPath, relay?: RelayOrigin): void {
    const { address, port, zone = 0 } = path.remote;
    const cell = (entry * ENTRY_LENGTH) / 4;
    this.#cells[cell + FAMILY] = address.family;
    this.#cells[cell + PORT] = port;
    this.#cells[cell + SOCKET] = path.socket;
    this.#cells[cell + ZONE] = zone;
    const start = entry * ENTRY_LENGTH;
    this.#bytes.set(address.bytes, start + ADDRESS);
    this.#bytes.fill(0, start + LOCAL, start + ENTRY_LENGTH);
    if (relay) {
      this.#cells[cell + RELAY_SLOT] = relay.session.slot + 1;
      this.#cells[cell + RELAY_GENERATION] = relay.session.generation;
      this.#cells[cell + CHANNEL] = relay.channel;
    }
    if (path.local?.family === address.family) this.#bytes.set(path.local.bytes, start + LOCAL);
  }

  family(entry: number): 4 | 6 {
    return this.#cells[(entry * ENTRY_LENGTH) / 4 + FAMILY] === 4 ? 4 : 6;
  }

  port(entry: number): number {
    return this.#cells[(entry * ENTRY_LENGTH) / 4 + PORT]!;
  }

  /** The interface of a link-local address; 0 for none. */
  zone(entry: number): number {
    return this.#cells[(entry * ENTRY_LENGTH) / 4 + ZONE]!;
  }

  /** 4 or 16 bytes in shared memory, not a copy. */
  addressBytes(entry: number): Uint8Array {
    return this.#addressAt(entry, ADDRESS);
  }

  /** The address to send from, like `addressBytes`; `undefined` where the system shall choose. */
  localBytes(entry: number): Uint8Array | undefined {
    const bytes = this.#addressAt(entry, LOCAL);
    return bytes.some((byte) => byte !== 0) ? bytes : undefined;
  }

  /** Under which relay session and for which channel; `undefined` for a path straight to the peer. */
  relay(entry: number): RelayOrigin | undefined {
    const cell = (entry * ENTRY_LENGTH) / 4;
    const slot = this.#cells[cell + RELAY_SLOT]! - 1;
    if (slot < 0) return undefined;
    return {
      session: { slot, generation: this.#cells[cell + RELAY_GENERATION]! },
      channel: this.#cells[cell + CHANNEL]!,
    };
  }

  remote(entry: number): Endpoint {
    return endpoint(ipAddressFromBytes(this.addressBytes(entry)), this.port(entry), this.zone(entry));
  }

  #addressAt(entry: number, offset: number): Uint8Array {
    const start = entry * ENTRY_LENGTH + offset;
    return this.#bytes.subarray(start, start + (this.family(entry) === 4 ? 4 : 16));
  }
}
