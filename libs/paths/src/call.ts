// "Call me maybe": what a node tells its peer, over a relay or the control server, so that both start to probe in the same
// moment: where it can be found, and what its NAT is like. Sent in a message of probe-message.ts.
//
//     1  mapping: 0 unknown, 1 endpoint-independent, 2 endpoint-dependent
//     1  allocation: 0 unknown, 1 preserving, 2 random, 3 sequential
//     2  step of a sequential one, signed
//     then, for each candidate, at most 16:
//     1  kind: 0 host, 1 server-reflexive, 2 peer-reflexive, 3 port-mapped
//     1  family: 4 or 6
//     2  port
//     4, 16  address

import { ByteReader, ByteWriter, endpoint, ipAddressFromBytes } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import type { PortAllocation } from './nat/nat-report.js';
import type { NatTraits } from './nat-traits.js';
import { MAX_ANNOUNCED_CANDIDATES } from './path-constants.js';

export interface Call {
  readonly candidates: readonly Candidate[];
  readonly nat: NatTraits;
}

const MAPPINGS = ['unknown', 'endpoint-independent', 'endpoint-dependent'] as const;
const ALLOCATIONS = ['unknown', 'preserving', 'random', 'sequential'] as const;
const CANDIDATE_KINDS = ['host', 'server-reflexive', 'peer-reflexive', 'port-mapped'] as const;

/** Of the candidates the first 16. */
export function encodeCall({ candidates, nat }: Call): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(MAPPINGS.indexOf(nat.mapping)).u8(ALLOCATIONS.indexOf(nat.allocation.kind));
  writer.u16be((nat.allocation.kind === 'sequential' ? nat.allocation.step : 0) & 0xffff);
  for (const { kind, endpoint } of candidates.slice(0, MAX_ANNOUNCED_CANDIDATES)) {
    const { family, bytes } = endpoint.address;
    writer.u8(CANDIDATE_KINDS.indexOf(kind)).u8(family).u16be(endpoint.port).bytes(bytes);
  }
  return writer.view().slice();
}

/** `undefined` if it is malformed. Candidates that are there too many are left out. */
export function decodeCall(bytes: Uint8Array): Call | undefined {
  if (bytes.length < 4) return undefined;
  const reader = new ByteReader(bytes);
  const mapping = MAPPINGS[reader.u8()];
  const kind = ALLOCATIONS[reader.u8()];
  const step = (reader.u16be() << 16) >> 16;
  if (!mapping || !kind) return undefined;
  const allocation: PortAllocation = kind === 'sequential' ? { kind, step } : { kind };
  if (allocation.kind === 'sequential' && step === 0) return undefined;
  const candidates: Candidate[] = [];
  while (reader.remaining > 0) {
    const candidate = readCandidate(reader);
    if (!candidate) return undefined;
    if (candidates.length < MAX_ANNOUNCED_CANDIDATES) candidates.push(candidate);
  }
  return { candidates, nat: { mapping, allocation } };
}

function readCandidate(reader: ByteReader): Candidate | undefined {
  if (reader.remaining < 4) return undefined;
  const kind = CANDIDATE_KINDS[reader.u8()];
  const family = reader.u8();
  const port = reader.u16be();
  const length = family === 4 ? 4 : family === 6 ? 16 : undefined;
  if (!kind || length === undefined || port === 0 || reader.remaining < length) return undefined;
  return { kind, endpoint: endpoint(ipAddressFromBytes(reader.bytes(length)), port) };
}
