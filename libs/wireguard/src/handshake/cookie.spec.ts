import { nobleCrypto, nodeCrypto } from '@shadownet/crypto';
import { type Endpoint, instant, parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import type { SessionIndex } from '../session-index.js';
import { seededRandom } from '../simulated-network.js';
import { CookieResponder, CookieStore } from './cookie.js';
import { mac2Of } from './mac.js';
import { decodeMessage, encodeInitiation } from './messages.js';

const HERE = parseEndpoint('192.0.2.1:1000')!;
const INDEX = 5 as SessionIndex;

describe.each([nodeCrypto, nobleCrypto])('cookies with the $name provider', (crypto) => {
  const random = seededRandom(1);
  const publicKey = random(32);

  function signed(store: CookieStore, at: number): Uint8Array {
    const message = encodeInitiation(INDEX, random(108));
    store.sign(message, instant(at));
    return message;
  }

  function answer(
    responder: CookieResponder,
    store: CookieStore,
    message: Uint8Array,
    from: Endpoint,
    at: number,
  ): boolean {
    const reply = decodeMessage(responder.reply(message, INDEX, from, instant(at)));
    if (reply?.kind !== 'cookie-reply') throw new Error('not a cookie reply');
    return store.accept(reply.nonce, reply.sealedCookie, instant(at));
  }

  it('let a sender prove its address', () => {
    const [responder, store] = [new CookieResponder(crypto, random, publicKey), new CookieStore(crypto, publicKey)];
    const first = signed(store, 0);
    expect(responder.checker.hasValidMac1(first)).toBe(true);
    expect(responder.checker.hasValidMac2(first, HERE, instant(0))).toBe(false);
    expect(mac2Of(first)).toEqual(new Uint8Array(16));

    expect(answer(responder, store, first, HERE, 0)).toBe(true);
    const second = signed(store, 5000);
    expect(responder.checker.hasValidMac2(second, HERE, instant(5000))).toBe(true);
    expect(responder.checker.hasValidMac2(second, parseEndpoint('192.0.2.1:1001')!, instant(5000))).toBe(false);
    expect(responder.checker.hasValidMac2(second, parseEndpoint('192.0.2.2:1000')!, instant(5000))).toBe(false);
  });

  it('are worth nothing after two minutes, on either end', () => {
    const [responder, store] = [new CookieResponder(crypto, random, publicKey), new CookieStore(crypto, publicKey)];
    answer(responder, store, signed(store, 0), HERE, 0);
    const last = signed(store, 119_999);
    expect(responder.checker.hasValidMac2(last, HERE, instant(119_999))).toBe(true);
    expect(responder.checker.hasValidMac2(last, HERE, instant(120_000))).toBe(false);
    expect(mac2Of(signed(store, 120_000))).toEqual(new Uint8Array(16));
  });

  it('are taken only in answer to the last message, and once', () => {
    const [responder, store] = [new CookieResponder(crypto, random, publicKey), new CookieStore(crypto, publicKey)];
    const old = signed(store, 0);
    const last = signed(store, 1);
    expect(answer(responder, store, old, HERE, 1)).toBe(false);
    expect(answer(responder, store, last, HERE, 1)).toBe(true);
    expect(answer(responder, store, last, HERE, 1)).toBe(false);
  });

  it('come from the peer itself or are refused', () => {
    const store = new CookieStore(crypto, publicKey);
    const stranger = new CookieResponder(crypto, random, random(32));
    expect(answer(stranger, store, signed(store, 0), HERE, 0)).toBe(false);
  });

  it('are not given for a message with a wrong mac1', () => {
    const responder = new CookieResponder(crypto, random, publicKey);
    const message = signed(new CookieStore(crypto, publicKey), 0);
    for (const position of [0, 8, 115, 116, 131]) {
      const altered = Uint8Array.from(message);
      altered[position]! ^= 1;
      expect(responder.checker.hasValidMac1(altered)).toBe(false);
    }
  });
});
