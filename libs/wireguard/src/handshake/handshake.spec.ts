import { nobleCrypto, nodeCrypto } from '@shadownet/crypto';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../simulated-network.js';
import {
  type PendingHandshake,
  readInitiationPayload,
  readInitiationStatic,
  readResponse,
  writeInitiation,
  writeResponse,
} from './handshake.js';

const TIMESTAMP = new Uint8Array(12).fill(9);
const NO_PSK = new Uint8Array(32);
/** u-coordinates of points of low order, in all spellings that X25519 accepts. */
const LOW_ORDER = [0, 1].map((first) => Uint8Array.of(first, ...new Array<number>(31).fill(0)));

describe.each([nodeCrypto, nobleCrypto])('the handshake with the $name provider', (crypto) => {
  const random = seededRandom(3);
  const initiator = crypto.privateKey(random(32));
  const responder = crypto.privateKey(random(32));
  const staticShared = initiator.sharedSecret(responder.publicKey)!;

  function initiate(): { body: Uint8Array; pending: PendingHandshake } {
    const ephemeral = crypto.privateKey(random(32));
    return writeInitiation(crypto, initiator, responder.publicKey, staticShared, ephemeral, TIMESTAMP)!;
  }

  function respond(body: Uint8Array, psk = NO_PSK): ReturnType<typeof writeResponse> {
    const opened = readInitiationStatic(crypto, responder, body)!;
    readInitiationPayload(opened, staticShared, body);
    return writeResponse(opened, crypto.privateKey(random(32)), psk, new Uint8Array(0));
  }

  it('gives both ends the same two keys, crosswise', () => {
    const { body, pending } = initiate();
    const response = respond(body)!;
    const { keys } = readResponse(pending, initiator, NO_PSK, response.body)!;
    expect(keys.send).toEqual(response.keys.receive);
    expect(keys.receive).toEqual(response.keys.send);
    expect(keys.send).not.toEqual(keys.receive);
  });

  it('refuses an initiation of which any byte was changed', () => {
    const { body } = initiate();
    for (let position = 0; position < body.length; position++) {
      const altered = Uint8Array.from(body);
      altered[position]! ^= 0x40;
      const opened = readInitiationStatic(crypto, responder, altered);
      expect(opened && readInitiationPayload(opened, staticShared, altered)).toBeUndefined();
    }
  });

  it('refuses a response of which any byte was changed, and still takes the right one', () => {
    const { body, pending } = initiate();
    const response = respond(body)!;
    for (let position = 0; position < response.body.length; position++) {
      const altered = Uint8Array.from(response.body);
      altered[position]! ^= 0x40;
      expect(readResponse(pending, initiator, NO_PSK, altered)).toBeUndefined();
    }
    expect(readResponse(pending, initiator, NO_PSK, response.body)).toBeDefined();
  });

  it('refuses ephemeral keys of low order, whoever sends them', () => {
    const { body, pending } = initiate();
    const response = respond(body)!;
    for (const key of LOW_ORDER) {
      const initiation = Uint8Array.from(body);
      initiation.set(key);
      expect(readInitiationStatic(crypto, responder, initiation)).toBeUndefined();
      const answer = Uint8Array.from(response.body);
      answer.set(key);
      expect(readResponse(pending, initiator, NO_PSK, answer)).toBeUndefined();
    }
  });

  it('starts nothing with a peer of low order', () => {
    const ephemeral = crypto.privateKey(random(32));
    for (const key of LOW_ORDER) {
      expect(writeInitiation(crypto, initiator, key, staticShared, ephemeral, TIMESTAMP)).toBeUndefined();
    }
  });

  it('needs the same preshared key on both ends', () => {
    const { body, pending } = initiate();
    const response = respond(body, new Uint8Array(32).fill(1))!;
    expect(readResponse(pending, initiator, NO_PSK, response.body)).toBeUndefined();
    expect(readResponse(pending, initiator, new Uint8Array(32).fill(1), response.body)).toBeDefined();
  });
});
