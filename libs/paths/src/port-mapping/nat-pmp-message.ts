// Messages of the NAT Port Mapping Protocol to and from a router (RFC 6886 §3.2, §3.3). IPv4 only.
//
//     address request   version 0 | opcode 0                                                       = 2 bytes
//     address response  0 | 128 | result 16 | epoch 32 | external address 32                       = 12 bytes
//     map request       0 | opcode 1 (UDP) | reserved 16 | internal 16 | external 16 | lifetime 32 = 12 bytes
//     map response      0 | 129 | result 16 | epoch 32 | internal 16 | external 16 | lifetime 32   = 16 bytes

import {
  ByteReader,
  ByteWriter,
  type Duration,
  type IpAddress,
  ipAddressFromBytes,
  seconds,
} from '@shadownet/primitives';

const VERSION = 0;
const EXTERNAL_ADDRESS = 0;
const MAP_UDP = 1;
const RESPONSE = 0x80;
const SUCCESS = 0;

export type NatPmpResponse =
  | { readonly kind: 'external-address'; readonly address: IpAddress; readonly epoch: number }
  | {
      readonly kind: 'mapped';
      readonly internalPort: number;
      readonly externalPort: number;
      readonly lifetime: Duration;
      readonly epoch: number;
    }
  /** `of` is what was asked for; 1 as the result: a router that speaks another version. */
  | { readonly kind: 'refused'; readonly of: 'external-address' | 'map' | 'other'; readonly result: number };

export function encodeNatPmpAddressRequest(): Uint8Array {
  return Uint8Array.of(VERSION, EXTERNAL_ADDRESS);
}

/** With lifetime 0, which ends the mapping, the external port has to be 0 (RFC 6886 §3.4). */
export function encodeNatPmpMap(internalPort: number, suggestedPort: number, lifetime: Duration): Uint8Array {
  const writer = new ByteWriter(12).u8(VERSION).u8(MAP_UDP).u16be(0);
  return writer
    .u16be(internalPort)
    .u16be(suggestedPort)
    .u32be(Math.round(lifetime / 1000))
    .view()
    .slice();
}

/** `undefined` for what is no response to a request of ours. */
export function decodeNatPmpResponse(datagram: Uint8Array): NatPmpResponse | undefined {
  if (datagram.length < 8) return undefined;
  const reader = new ByteReader(datagram);
  if (reader.u8() !== VERSION) return undefined;
  const opcode = reader.u8() ^ RESPONSE;
  const result = reader.u16be();
  const epoch = reader.u32be();
  if (result !== SUCCESS) {
    const of = opcode === EXTERNAL_ADDRESS ? 'external-address' : opcode === MAP_UDP ? 'map' : 'other';
    return { kind: 'refused', of, result };
  }
  if (opcode === EXTERNAL_ADDRESS && reader.remaining >= 4) {
    return { kind: 'external-address', address: ipAddressFromBytes(reader.bytes(4)), epoch };
  }
  if (opcode !== MAP_UDP || reader.remaining < 8) return undefined;
  const internalPort = reader.u16be();
  const externalPort = reader.u16be();
  if (externalPort === 0 && internalPort === 0) return undefined;
  return { kind: 'mapped', internalPort, externalPort, lifetime: seconds(reader.u32be()), epoch };
}
