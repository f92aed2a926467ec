// A STUN message to bytes (RFC 8489 §5, §14).

import { assertNever, ByteWriter, encodeUtf8 } from '@shadownet/primitives';
import { encodeAddress, encodeXorAddress } from './address-attribute.js';
import { AttributeType } from './attribute-types.js';
import { MAX_TEXT_BYTES, MAX_USERNAME_BYTES } from './decoder.js';
import { FINGERPRINT_BYTES, fingerprintOf } from './fingerprint.js';
import { type Hmac, INTEGRITY_SHA256_BYTES, integrityOf } from './message-integrity.js';
import { attributeTypeOf, BINDING, type StunClass, type StunContentAttribute } from './stun-message.js';
import { StunError } from './stun-error.js';
import {
  ATTRIBUTE_HEADER_BYTES,
  encodeMessageType,
  HEADER_BYTES,
  MAGIC_COOKIE,
  paddedLength,
  TRANSACTION_ID_BYTES,
} from './wire-format.js';

export interface StunMessageContent {
  readonly class: StunClass;
  /** Binding if absent. */
  readonly method?: number;
  /** 12 bytes; random and unpredictable in a request (RFC 8489 §5). */
  readonly transactionId: Uint8Array;
  readonly attributes?: readonly StunContentAttribute[];
  /** Adds a SOFTWARE attribute before the others. */
  readonly software?: string;
  /** Adds MESSAGE-INTEGRITY-SHA256 under this key. */
  readonly integrity?: { readonly key: Uint8Array; readonly hmac: Hmac };
  /** Adds a FINGERPRINT at the end. */
  readonly fingerprint: boolean;
}

/** The bytes of a message, owned by the caller. Throws StunError for what no message can hold. */
export function encodeStunMessage(content: StunMessageContent): Uint8Array {
  const { transactionId, software, integrity } = content;
  if (transactionId.length !== TRANSACTION_ID_BYTES) {
    throw new StunError('bad-transaction-id', `a transaction id has 12 bytes, not ${transactionId.length}`);
  }
  const writer = new ByteWriter();
  writer.u16be(encodeMessageType(content.class, content.method ?? BINDING)).u16be(0);
  writer.u32be(MAGIC_COOKIE).bytes(transactionId);

  if (software !== undefined) writeContent(writer, { kind: 'software', description: software }, transactionId);
  for (const attribute of content.attributes ?? []) writeContent(writer, attribute, transactionId);
  if (integrity) {
    const hmac = integrityOf(writer.view(), INTEGRITY_SHA256_BYTES, integrity.key, integrity.hmac);
    writeAttribute(writer, AttributeType.messageIntegritySha256, hmac);
  }
  if (content.fingerprint) {
    setLength(writer, writer.length + FINGERPRINT_BYTES);
    const crc = new ByteWriter(4).u32be(fingerprintOf(writer.view())).view();
    writeAttribute(writer, AttributeType.fingerprint, crc);
  }
  setLength(writer, writer.length);
  return writer.view().slice();
}

function setLength(writer: ByteWriter, messageBytes: number): void {
  const length = messageBytes - HEADER_BYTES;
  if (length > 0xffff) throw new StunError('unencodable-attribute', `attributes of ${length} bytes`);
  const bytes = writer.view();
  bytes[2] = length >> 8;
  bytes[3] = length & 0xff;
}

function writeAttribute(writer: ByteWriter, type: number, value: Uint8Array): void {
  if (value.length > 0xffff - ATTRIBUTE_HEADER_BYTES) {
    throw new StunError('unencodable-attribute', `attribute 0x${type.toString(16)} of ${value.length} bytes`);
  }
  writer.u16be(type).u16be(value.length).bytes(value);
  writer.zeros(paddedLength(value.length) - value.length);
}

function writeContent(writer: ByteWriter, attribute: StunContentAttribute, transactionId: Uint8Array): void {
  writeAttribute(writer, attributeTypeOf(attribute), encodeValue(attribute, transactionId));
}

function encodeValue(attribute: StunContentAttribute, transactionId: Uint8Array): Uint8Array {
  switch (attribute.kind) {
    case 'mapped-address':
    case 'response-origin':
    case 'other-address':
      return encodeAddress(attribute.endpoint);
    case 'xor-mapped-address':
      return encodeXorAddress(attribute.endpoint, transactionId);
    case 'username':
      return atMost(MAX_USERNAME_BYTES, attribute.value, attribute.kind);
    case 'software':
      return atMost(MAX_TEXT_BYTES, encodeUtf8(attribute.description), attribute.kind);
    case 'error-code':
      return encodeErrorCode(attribute.code, attribute.phrase);
    case 'unknown-attributes': {
      const writer = new ByteWriter();
      for (const type of attribute.types) writer.u16be(type);
      return writer.view();
    }
    case 'change-request':
      return Uint8Array.of(0, 0, 0, (attribute.address ? 0b100 : 0) | (attribute.port ? 0b010 : 0));
    case 'probe-counter':
      return new ByteWriter(8).u64be(attribute.counter).view();
    case 'probe-padding':
      return new Uint8Array(attribute.length);
    case 'answer-again':
      return new ByteWriter(4).u32be(attribute.after).view();
    case 'path-report':
      return new ByteWriter(6).u32be(attribute.packets).u16be(attribute.largestBytes).view();
    case 'call':
      return attribute.value;
    case 'unknown':
      return attribute.value;
    default:
      return assertNever(attribute);
  }
}

function encodeErrorCode(code: number, phrase: string): Uint8Array {
  if (!Number.isInteger(code) || code < 300 || code > 699) {
    throw new StunError('unencodable-attribute', `error code ${code}`);
  }
  const text = atMost(MAX_TEXT_BYTES, encodeUtf8(phrase), 'error-code');
  return new ByteWriter(4 + text.length)
    .u16be(0)
    .u8(Math.floor(code / 100))
    .u8(code % 100)
    .bytes(text)
    .view();
}

function atMost(limit: number, value: Uint8Array, kind: string): Uint8Array {
  if (value.length > limit) throw new StunError('unencodable-attribute', `${kind} of ${value.length} bytes`);
  return value;
}
