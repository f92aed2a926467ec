// Tells apart by content what arrives at the one socket. The order matters: a STUN success starts with byte 1, as a WireGuard
// initiation does, and a data packet's receiver index can spell STUN's magic cookie (docs/architecture.md).

import { decodeStunMessage, isStunMessage, type StunMessage } from '@shadownet/stun';
import { isWireGuardMessage } from '@shadownet/wireguard';

export type Datagram =
  | { readonly kind: 'wireguard' }
  | { readonly kind: 'stun'; readonly message: StunMessage }
  | { readonly kind: 'malformed-stun' }
  | { readonly kind: 'unknown' };

const WIREGUARD: Datagram = { kind: 'wireguard' };

export function classifyDatagram(datagram: Uint8Array): Datagram {
  if (isWireGuardMessage(datagram)) return WIREGUARD;
  if (!isStunMessage(datagram)) return { kind: 'unknown' };
  const decoded = decodeStunMessage(datagram);
  return decoded.ok ? { kind: 'stun', message: decoded.message } : { kind: 'malformed-stun' };
}
