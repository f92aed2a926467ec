// A STUN message as a value (RFC 8489 §5 and §14), and how to ask it for its attributes.

import type { Duration, Endpoint } from '@shadownet/primitives';
import { AttributeType, FIRST_COMPREHENSION_OPTIONAL } from './attribute-types.js';

export type StunClass = 'request' | 'indication' | 'success' | 'error';

/** The one method that we use (RFC 8489 §18.2). */
export const BINDING = 0x001;

export interface StunMessage {
  readonly class: StunClass;
  /** 12 bits. */
  readonly method: number;
  /** 12 bytes. */
  readonly transactionId: Uint8Array;
  /** In the order of the wire; where a type repeats, the first one counts (RFC 8489 §14). */
  readonly attributes: readonly StunAttribute[];
}

/** An attribute that a caller puts into a message. Integrity and fingerprint are made by the encoder. */
export type StunContentAttribute =
  | { readonly kind: 'mapped-address'; readonly endpoint: Endpoint }
  | { readonly kind: 'xor-mapped-address'; readonly endpoint: Endpoint }
  /** At most 508 bytes. RFC 8489 §14.3 has UTF-8 here; probes carry an opaque id, so it stays bytes. */
  | { readonly kind: 'username'; readonly value: Uint8Array }
  /** 300…699 and at most 763 bytes of text for people. */
  | { readonly kind: 'error-code'; readonly code: number; readonly phrase: string }
  | { readonly kind: 'unknown-attributes'; readonly types: readonly number[] }
  /** At most 763 bytes of UTF-8. */
  | { readonly kind: 'software'; readonly description: string }
  /** RFC 5780 §7.2: asks the server to answer from its other address or its other port. */
  | { readonly kind: 'change-request'; readonly address: boolean; readonly port: boolean }
  /** RFC 5780 §7.3: where the answer was sent from. */
  | { readonly kind: 'response-origin'; readonly endpoint: Endpoint }
  /** RFC 5780 §7.4: where the server would answer from if asked to change both. */
  | { readonly kind: 'other-address'; readonly endpoint: Endpoint }
  /** Ours: 64 bits. */
  | { readonly kind: 'probe-counter'; readonly counter: bigint }
  /** Ours: so many zero bytes. */
  | { readonly kind: 'probe-padding'; readonly length: number }
  /** Ours: whole milliseconds, 0…2^32 - 1. */
  | { readonly kind: 'answer-again'; readonly after: Duration }
  /** Ours: 32 and 16 bits. */
  | { readonly kind: 'path-report'; readonly packets: number; readonly largestBytes: number }
  /** Ours, opaque here. */
  | { readonly kind: 'call'; readonly value: Uint8Array }
  /** A type that the codec does not know, as it came. */
  | { readonly kind: 'unknown'; readonly type: number; readonly value: Uint8Array };

export type StunAttribute =
  | StunContentAttribute
  /** HMAC-SHA1, 20 bytes: verified by `verifyMessageIntegrity`, never written. */
  | { readonly kind: 'message-integrity'; readonly hmac: Uint8Array }
  /** HMAC-SHA256, 16…32 bytes: verified by `verifyMessageIntegritySha256`. */
  | { readonly kind: 'message-integrity-sha256'; readonly hmac: Uint8Array }
  /** CRC-32, already verified by the decoder. */
  | { readonly kind: 'fingerprint'; readonly crc: number };

/** The first attribute of that kind. */
export function findAttribute<Kind extends StunAttribute['kind']>(
  message: StunMessage,
  kind: Kind,
): Extract<StunAttribute, { kind: Kind }> | undefined {
  return message.attributes.find((attribute) => attribute.kind === kind) as
    Extract<StunAttribute, { kind: Kind }> | undefined;
}

/** The address that the answerer saw: XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of servers older than RFC 5389. */
export function mappedEndpoint(message: StunMessage): Endpoint | undefined {
  return (findAttribute(message, 'xor-mapped-address') ?? findAttribute(message, 'mapped-address'))?.endpoint;
}

/** The distinct types, in order, that the message requires us to understand and we don't: a request with any gets a 420. */
export function unknownRequiredTypes(message: StunMessage): number[] {
  const types = new Set<number>();
  for (const attribute of message.attributes) {
    if (attribute.kind === 'unknown' && attribute.type < FIRST_COMPREHENSION_OPTIONAL) types.add(attribute.type);
  }
  return [...types];
}

/** The number of an attribute's type on the wire. */
export function attributeTypeOf(attribute: StunAttribute): number {
  return attribute.kind === 'unknown' ? attribute.type : TYPE_OF_KIND[attribute.kind];
}

const TYPE_OF_KIND: Record<Exclude<StunAttribute['kind'], 'unknown'>, number> = {
  'mapped-address': AttributeType.mappedAddress,
  'change-request': AttributeType.changeRequest,
  username: AttributeType.username,
  'message-integrity': AttributeType.messageIntegrity,
  'error-code': AttributeType.errorCode,
  'unknown-attributes': AttributeType.unknownAttributes,
  'message-integrity-sha256': AttributeType.messageIntegritySha256,
  'xor-mapped-address': AttributeType.xorMappedAddress,
  software: AttributeType.software,
  fingerprint: AttributeType.fingerprint,
  'response-origin': AttributeType.responseOrigin,
  'other-address': AttributeType.otherAddress,
  'probe-counter': AttributeType.probeCounter,
  'probe-padding': AttributeType.probePadding,
  'answer-again': AttributeType.answerAgain,
  'path-report': AttributeType.pathReport,
  call: AttributeType.call,
};
