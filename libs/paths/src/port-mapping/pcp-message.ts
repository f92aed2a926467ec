// Messages of the Port Control Protocol to and from a router (RFC 6887 §7, §11, §14). IPv4 addresses travel IPv4-mapped.
//
//     request   version 2 | R=0, opcode | reserved 16 | lifetime 32 | client's address 128                      = 24 bytes
//     response  version 2 | R=1, opcode | reserved 8 | result 8 | lifetime 32 | epoch 32 | reserved 96          = 24 bytes
//     MAP       nonce 96 | protocol 8 | reserved 24 | internal port 16 | external port 16 | external address 128 = 36 bytes

import {
  ByteReader,
  ByteWriter,
  type Duration,
  endpoint,
  type Endpoint,
  type IpAddress,
  ipAddressFromBytes,
  seconds,
} from '@shadownet/primitives';

/** RFC 6887 §19.1; RFC 6886 §3.1 has the same. */
export const GATEWAY_PORT = 5351;
export const PCP_NONCE_BYTES = 12;

const VERSION = 2;
const ANNOUNCE = 0;
const MAP = 1;
const RESPONSE = 0x80;
const UDP = 17;
const HEADER_BYTES = 24;
const MAP_BYTES = 36;
/** RFC 6887 §7: no PCP message is longer. */
const MAX_MESSAGE_BYTES = 1100;
const SUCCESS = 0;

export interface PcpMapRequest {
  readonly client: IpAddress;
  /** 12 bytes: whoever does not know them can neither change nor end the mapping. */
  readonly nonce: Uint8Array;
  readonly internalPort: number;
  /** What we would like, or have had; `undefined`: any. */
  readonly suggested: Endpoint | undefined;
  /** 0 ends the mapping. */
  readonly lifetime: Duration;
}

export type PcpResponse =
  /** `result` is 0 for success. `epoch` counts the seconds since the router lost its mappings. */
  | { readonly kind: 'announce'; readonly result: number; readonly epoch: number }
  | { readonly kind: 'map-refused'; readonly result: number; readonly epoch: number; readonly retryAfter: Duration }
  | {
      readonly kind: 'mapped';
      readonly nonce: Uint8Array;
      readonly internalPort: number;
      readonly external: Endpoint;
      readonly lifetime: Duration;
      readonly epoch: number;
    };

/** Asks nothing but the epoch (RFC 6887 §14.1): 24 bytes. */
export function encodePcpAnnounce(client: IpAddress): Uint8Array {
  return header(ANNOUNCE, 0, client, HEADER_BYTES).view().slice();
}

/** 60 bytes. */
export function encodePcpMap({ client, nonce, internalPort, suggested, lifetime }: PcpMapRequest): Uint8Array {
  const writer = header(MAP, Math.round(lifetime / 1000), client, HEADER_BYTES + MAP_BYTES);
  writer.bytes(nonce).u8(UDP).zeros(3);
  writer.u16be(internalPort).u16be(suggested?.port ?? 0);
  // All zeros in the wanted family stand for any address (RFC 6887 §11.1).
  writer.bytes(
    suggested
      ? mapped(suggested.address)
      : mapped({ family: client.family, bytes: new Uint8Array(client.bytes.length) }),
  );
  return writer.view().slice();
}

/** `undefined` for what is no response of this version to a request of ours. */
export function decodePcpResponse(datagram: Uint8Array): PcpResponse | undefined {
  if (datagram.length < HEADER_BYTES || datagram.length > MAX_MESSAGE_BYTES || datagram.length % 4 !== 0)
    return undefined;
  const reader = new ByteReader(datagram);
  if (reader.u8() !== VERSION) return undefined;
  const opcode = reader.u8() ^ RESPONSE;
  reader.u8();
  const result = reader.u8();
  const lifetime = seconds(reader.u32be());
  const epoch = reader.u32be();
  reader.bytes(12);
  if (opcode === ANNOUNCE) return { kind: 'announce', result, epoch };
  if (opcode !== MAP) return undefined;
  if (result !== SUCCESS) return { kind: 'map-refused', result, epoch, retryAfter: lifetime };
  if (reader.remaining < MAP_BYTES) return undefined;
  const nonce = reader.bytes(PCP_NONCE_BYTES);
  const protocol = reader.u8();
  reader.bytes(3);
  const internalPort = reader.u16be();
  const externalPort = reader.u16be();
  const address = ipAddressFromBytes(reader.bytes(16));
  if (protocol !== UDP || externalPort === 0) return undefined;
  return { kind: 'mapped', nonce, internalPort, external: endpoint(address, externalPort), lifetime, epoch };
}

function header(opcode: number, lifetime: number, client: IpAddress, size: number): ByteWriter {
  const writer = new ByteWriter(size);
  return writer.u8(VERSION).u8(opcode).u16be(0).u32be(lifetime).bytes(mapped(client));
}

/** 16 bytes: ::ffff:a.b.c.d for IPv4. */
function mapped({ family, bytes }: IpAddress): Uint8Array {
  if (family === 6) return bytes;
  const full = new Uint8Array(16);
  full.fill(0xff, 10, 12);
  full.set(bytes, 12);
  return full;
}
