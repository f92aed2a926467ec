// A STUN message to bytes (RFC 8489 §5, §14).

import { assertNever, ByteWriter, encodeUtf8 } from '@shadownet/primitives';
import { encodeAddress, encodeXorAddress } from './address-attribute.js';
import { AttributeType } from './attribute-types.js';
import { MAX_TEXT_BYTES, MAX_USERNAME_BYTES } from './decoder.js';
import { FINGERPRINT_BYTES, fingerprintOf } from './fingerprint.js';
import { type Hmac, INTEGRITY_SHA256_BYTES } from './message-integrity.js';
import { attributeTypeOf, BINDING, type StunClass, type StunContentAttribute } from './stun-message.js';
import { StunError } from './stun-error.js';
import {
  ATTRIBUTE_HEADER_BYTES,
  encodeMessageType,
  HEADER_BYTES,
  MAGIC_COOKIE,
  paddedLength,
  setMessageLength,
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

/** Where messages are written before they are copied out: one memory for all, since none of them waits. */
const writer = new ByteWriter(2048);

/** The bytes of a message, owned by the caller. Throws StunError for what no message can hold. */
export function encodeStunMessage(content: StunMessageContent): Uint8Array {
  const { transactionId, software, integrity } = content;
  if (transactionId.length !== TRANSACTION_ID_BYTES) {
    throw new StunError('bad-transaction-id', `a transaction id has 12 bytes, not ${transactionId.length}`);
  }
  writer
    .clear()
    .u16be(encodeMessageType(content.class, content.method ?? BINDING))
    .u16be(0);
  writer.u32be(MAGIC_COOKIE).bytes(transactionId);

  if (software !== undefined) writeAttribute({ kind: 'software', description: software }, transactionId);
  if (content.attributes) for (const attribute of content.attributes) writeAttribute(attribute, transactionId);
  if (integrity) {
    // The HMAC covers what precedes it, with the length field as if the message ended behind it.
    setLength(writer.length + ATTRIBUTE_HEADER_BYTES + INTEGRITY_SHA256_BYTES);
    const hmac = integrity.hmac(integrity.key, writer.view());
    writeHeader(AttributeType.messageIntegritySha256, INTEGRITY_SHA256_BYTES).bytes(hmac);
  }
  if (content.fingerprint) {
    setLength(writer.length + FINGERPRINT_BYTES);
    const crc = fingerprintOf(writer.view());
    writeHeader(AttributeType.fingerprint, FINGERPRINT_BYTES - ATTRIBUTE_HEADER_BYTES).u32be(crc);
  }
  setLength(writer.length);
  return writer.copy();
}

function setLength(messageBytes: number): void {
  const length = messageBytes - HEADER_BYTES;
  if (length > 0xffff) throw new StunError('unencodable-attribute', `attributes of ${length} bytes`);
  setMessageLength(writer.view(), messageBytes);
}

function writeHeader(type: number, valueBytes: number): ByteWriter {
  if (valueBytes > 0xffff - ATTRIBUTE_HEADER_BYTES) {
    throw new StunError('unencodable-attribute', `attribute 0x${type.toString(16)} of ${valueBytes} bytes`);
  }
  return writer.u16be(type).u16be(valueBytes);
}

function writeAttribute(attribute: StunContentAttribute, transactionId: Uint8Array): void {
  const type = attributeTypeOf(attribute);
  switch (attribute.kind) {
    case 'mapped-address':
    case 'response-origin':
    case 'other-address':
      return writeValue(type, encodeAddress(attribute.endpoint));
    case 'xor-mapped-address':
      return writeValue(type, encodeXorAddress(attribute.endpoint, transactionId));
    case 'username':
      return writeValue(type, atMost(MAX_USERNAME_BYTES, attribute.value, attribute.kind));
    case 'software':
      return writeValue(type, atMost(MAX_TEXT_BYTES, encodeUtf8(attribute.description), attribute.kind));
    case 'error-code':
      return writeValue(type, encodeErrorCode(attribute.code, attribute.phrase));
    case 'unknown-attributes': {
      const types = new ByteWriter();
      for (const each of attribute.types) types.u16be(each);
      return writeValue(type, types.view());
    }
    case 'change-request':
      writeHeader(type, 4).u32be((attribute.address ? 0b100 : 0) | (attribute.port ? 0b010 : 0));
      return;
    case 'probe-counter':
      writeHeader(type, 8).u64be(attribute.counter);
      return;
    case 'probe-padding':
      writeHeader(type, attribute.length).zeros(paddedLength(attribute.length));
      return;
    case 'answer-again':
      writeHeader(type, 4).u32be(attribute.after);
      return;
    case 'path-report':
      writeHeader(type, 6).u32be(attribute.packets).u16be(attribute.largestBytes).zeros(2);
      return;
    case 'call':
      return writeValue(type, attribute.value);
    case 'unknown':
      return writeValue(type, attribute.value);
    default:
      return assertNever(attribute);
  }
}

function writeValue(type: number, value: Uint8Array): void {
  writeHeader(type, value.length)
    .bytes(value)
    .zeros(paddedLength(value.length) - value.length);
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
