// Paths as packet workers read them, in a SharedArrayBuffer. An entry is written before its number is published and never
// changed while anyone may read it (docs/adr, concurrency rule 8).
//
//   entry, 32 bytes    family (4)  port (4)  socket (4)  – (4)  address (16)

import { type Endpoint, endpoint, ipAddressFromBytes, type UdpPath } from '@shadownet/primitives';

const ENTRY_LENGTH = 32;
const FAMILY = 0;
const PORT = 1;
const SOCKET = 2;
const ADDRESS = 16;

export class PathTable {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(source: { readonly entries: number } | SharedArrayBuffer) {
    this.buffer = source instanceof SharedArrayBuffer ? source : new SharedArrayBuffer(source.entries * ENTRY_LENGTH);
    this.#cells = new Int32Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
  }

  /** Main thread only, before the number is published. */
  write(entry: number, path: UdpPath): void {
    const { address, port } = path.remote;
    const cell = (entry * ENTRY_LENGTH) / 4;
    this.#cells[cell + FAMILY] = address.family;
    this.#cells[cell + PORT] = port;
    this.#cells[cell + SOCKET] = path.socket;
    this.#bytes.set(address.bytes, entry * ENTRY_LENGTH + ADDRESS);
  }

  family(entry: number): 4 | 6 {
    return this.#cells[(entry * ENTRY_LENGTH) / 4 + FAMILY] === 4 ? 4 : 6;
  }

  port(entry: number): number {
    return this.#cells[(entry * ENTRY_LENGTH) / 4 + PORT]!;
  }

  /** 4 or 16 bytes in shared memory, not a copy. */
  addressBytes(entry: number): Uint8Array {
    const start = entry * ENTRY_LENGTH + ADDRESS;
    return this.#bytes.subarray(start, start + (this.family(entry) === 4 ? 4 : 16));
  }

  remote(entry: number): Endpoint {
    return endpoint(ipAddressFromBytes(this.addressBytes(entry)), this.port(entry));
  }
}
