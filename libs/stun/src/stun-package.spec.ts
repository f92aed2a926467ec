// The `stun` package (2.1.0, untyped, a dev dependency only) as an independent oracle: we read what it writes, it reads
// what we write (ADR 0002).

import { createRequire } from 'node:module';
import { endpoint, formatIpAddress, ipAddressFromBytes } from '@shadownet/primitives';
import * as fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage } from './encoder.js';
import { verifyMessageIntegrity } from './message-integrity.js';
import { findAttribute, type StunMessage, type StunContentAttribute } from './stun-message.js';

interface PackageAddress {
  readonly address: string;
  readonly port: number;
}

interface PackageMessage {
  readonly type: number;
  readonly transactionId: Uint8Array;
  setTransactionId(id: Uint8Array): boolean;
  addAddress(address: string, port: number): unknown;
  addXorAddress(address: string, port: number): unknown;
  addUsername(name: string): unknown;
  addSoftware(name: string): unknown;
  addError(code: number, reason: string): unknown;
  addUnknownAttributes(types: readonly number[]): unknown;
  addMessageIntegrity(key: string): boolean;
  addFingerprint(): boolean;
  toBuffer(): Uint8Array;
  getAddress(): PackageAddress | undefined;
  getXorAddress(): PackageAddress | undefined;
  getUsername(): string | undefined;
  getSoftware(): string | undefined;
}

interface StunPackage {
  createMessage(type: number, transactionId: Uint8Array): PackageMessage;
  decode(datagram: Uint8Array): PackageMessage;
  validateFingerprint(message: PackageMessage): boolean;
  readonly constants: Readonly<Record<string, number>>;
}

const stun = createRequire(import.meta.url)('stun') as StunPackage;

const { STUN_BINDING_REQUEST, STUN_BINDING_RESPONSE, STUN_BINDING_ERROR_RESPONSE } = stun.constants;

const anyTransactionId = fc.uint8Array({ minLength: 12, maxLength: 12 });
const anyPort = fc.integer({ min: 1, max: 0xffff });
const anyAddress = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(ipAddressFromBytes);
const anyEndpoint = fc.tuple(anyAddress, anyPort).map(([address, port]) => endpoint(address, port));
const anyName = fc.string({ minLength: 1, maxLength: 60 });

/** The addresses as bytes, since the package writes IPv6 in several spellings. */
const spelled = (of: PackageAddress | undefined) => of && { address: normal(of.address), port: of.port };
const normal = (text: string) => new URL(text.includes(':') ? `http://[${text}]` : `http://${text}`).hostname;

function decoded(datagram: Uint8Array): StunMessage {
  const result = decodeStunMessage(datagram);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

describe('the stun package as an oracle', () => {
  it('writes messages that we read, with valid fingerprint and integrity', () => {
    fc.assert(
      fc.property(
        anyTransactionId,
        anyEndpoint,
        anyEndpoint,
        anyName,
        anyName,
        anyName,
        (id, mapped, xorMapped, user, software, key) => {
          const theirs = stun.createMessage(STUN_BINDING_RESPONSE!, Buffer.from(id));
          theirs.addAddress(formatIpAddress(mapped.address), mapped.port);
          theirs.addXorAddress(formatIpAddress(xorMapped.address), xorMapped.port);
          theirs.addUsername(user);
          theirs.addSoftware(software);
          theirs.addMessageIntegrity(key);
          theirs.addFingerprint();
          const datagram = Uint8Array.from(theirs.toBuffer());

          const message = decoded(datagram);
          expect(message).toMatchObject({ class: 'success', method: 1, transactionId: id });
          expect(message.attributes.slice(0, 4)).toEqual([
            { kind: 'mapped-address', endpoint: mapped },
            { kind: 'xor-mapped-address', endpoint: xorMapped },
            { kind: 'username', value: Uint8Array.from(Buffer.from(user)) },
            { kind: 'software', description: software },
          ]);
          expect(findAttribute(message, 'fingerprint')).toBeDefined();
          const hmac = (k: Uint8Array, input: Uint8Array) => createHmac('sha1', k).update(input).digest();
          expect(verifyMessageIntegrity(datagram, Buffer.from(key), hmac)).toBe(true);
        },
      ),
    );
  });

  it('writes errors that we read', () => {
    const code = fc.integer({ min: 300, max: 699 });
    const types = fc.uniqueArray(fc.nat(0xffff), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(anyTransactionId, code, anyName, types, (id, code, phrase, types) => {
        const theirs = stun.createMessage(STUN_BINDING_ERROR_RESPONSE!, Buffer.from(id));
        theirs.addError(code, phrase);
        theirs.addUnknownAttributes(types);
        const message = decoded(Uint8Array.from(theirs.toBuffer()));
        expect(message.class).toBe('error');
        expect(message.attributes).toEqual([
          { kind: 'error-code', code, phrase },
          { kind: 'unknown-attributes', types },
        ]);
      }),
    );
  });

  it('reads requests and responses that we write', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('request' as const, 'success' as const),
        anyTransactionId,
        anyEndpoint,
        anyEndpoint,
        anyName,
        anyName,
        (messageClass, transactionId, mapped, xorMapped, user, software) => {
          const attributes: StunContentAttribute[] = [
            { kind: 'mapped-address', endpoint: mapped },
            { kind: 'xor-mapped-address', endpoint: xorMapped },
            { kind: 'username', value: Buffer.from(user) },
          ];
          const ours = encodeStunMessage({
            class: messageClass,
            transactionId,
            software,
            attributes,
            fingerprint: true,
          });
          const theirs = stun.decode(Buffer.from(ours));
          expect(theirs.type).toBe(messageClass === 'request' ? STUN_BINDING_REQUEST : STUN_BINDING_RESPONSE);
          expect(Uint8Array.from(theirs.transactionId)).toEqual(transactionId);
          expect(spelled(theirs.getAddress())).toEqual(
            spelled({ address: formatIpAddress(mapped.address), port: mapped.port }),
          );
          expect(spelled(theirs.getXorAddress())).toEqual(
            spelled({ address: formatIpAddress(xorMapped.address), port: xorMapped.port }),
          );
          expect(theirs.getUsername()).toBe(user);
          expect(theirs.getSoftware()).toBe(software);
          expect(stun.validateFingerprint(theirs)).toBe(true);
        },
      ),
    );
  });

  it('reads past our integrity, counter and padding, which it does not know', () => {
    const ours = encodeStunMessage({
      class: 'request',
      transactionId: new Uint8Array(12).fill(3),
      software: 'shadownet',
      attributes: [
        { kind: 'probe-counter', counter: 5n },
        { kind: 'probe-padding', length: 8 },
      ],
      integrity: {
        key: Uint8Array.of(1),
        hmac: (key, input) => createHmac('sha256', key).update(input).digest(),
      },
      fingerprint: true,
    });
    const theirs = stun.decode(Buffer.from(ours));
    expect(theirs.getSoftware()).toBe('shadownet');
    // Its own check of the fingerprint fails here: it writes unknown attributes back empty before the CRC.
    expect(Uint8Array.from(theirs.transactionId)).toEqual(new Uint8Array(12).fill(3));
  });
});
