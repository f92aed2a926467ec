import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { formatIpAddress, instant, parseEndpoint, publicKeyFromBytes, udpPath } from '@shadownet/primitives';
import { Device, Tai64nSource } from '@shadownet/wireguard';
import { describe, expect, it } from 'vitest';
import { CookieJar } from './cookie-jar.js';
import { type HandshakeLoad, makeHandshakeLoad } from './initiations.js';
import { callerAddress } from './load-plan.js';

const RESPONSE_LENGTH = 92;
const COOKIE_REPLY_LENGTH = 64;

/** The responder of the load, as the engine that is measured implements it. */
class Responder {
  readonly #device: Device;
  #milliseconds = 0;
  /** Why the last initiation came to nothing. */
  dropped: string | undefined;

  constructor(load: HandshakeLoad, handshakesPerSecond: number, peers: readonly Uint8Array[] = load.callers) {
    this.#device = new Device({
      crypto: nodeCrypto,
      random: (length) => randomBytes(length),
      timestamps: new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => undefined }),
      endpoints: 'roaming',
      handshakesPerSecond,
    });
    const out = { datagram: () => undefined, packet: () => undefined };
    this.#device.setPrivateKey(load.responder.privateKey, instant(0));
    for (const caller of peers) {
      this.#device.upsertPeer({ publicKey: publicKeyFromBytes(caller)!, allowedIps: [] }, instant(0), out);
    }
  }

  /** The one answer to an initiation, which comes 100 ms after the one before. */
  answer(initiation: Uint8Array, caller: number): Uint8Array | undefined {
    this.#milliseconds += 100;
    const answers: Uint8Array[] = [];
    const path = udpPath(parseEndpoint(`${callerAddress(caller)}:4000`)!);
    const result = this.#device.handleDatagram(initiation, path, instant(this.#milliseconds), {
      datagram: (bytes) => answers.push(bytes.slice()),
      packet: () => undefined,
    });
    this.dropped = result.ok ? undefined : result.reason;
    expect(answers.length).toBeLessThanOrEqual(1);
    return answers[0];
  }
}

describe('the handshake load', () => {
  it('is valid: a responder answers every initiation, round after round', () => {
    const load = makeHandshakeLoad(3, 3);
    const responder = new Responder(load, 1000);
    expect(load.initiations).toHaveLength(9);
    for (const [index, initiation] of load.initiations.entries()) {
      expect(responder.answer(initiation, index % 3)).toHaveLength(RESPONSE_LENGTH);
    }
  });

  it('has what it takes to be refused: no initiation is answered twice', () => {
    const load = makeHandshakeLoad(1, 1);
    const responder = new Responder(load, 1000);
    expect(responder.answer(load.initiations[0]!, 0)).toBeDefined();
    expect(responder.answer(load.initiations[0]!, 0)).toBeUndefined();
  });

  it('calls from an address of its own for each caller', () => {
    const addresses = Array.from({ length: 1000 }, (_, caller) => callerAddress(caller));
    expect(new Set(addresses).size).toBe(1000);
    for (const address of addresses) {
      expect(formatIpAddress(parseEndpoint(`${address}:1`)!.address)).toBe(address);
      expect(address).toMatch(/^198\.18\./);
    }
  });
});

describe('the cookie jar', () => {
  /**
   * One caller keeps calling a responder under load until it is asked for a cookie; `next` is its initiation after that. The
   * responder does not know the caller, because it would let one that it knows through without a cookie.
   */
  function callUntilCookie(): {
    jar: CookieJar;
    responder: Responder;
    reply: Uint8Array;
    asked: Uint8Array;
    next: Uint8Array;
  } {
    const load = makeHandshakeLoad(1, 12);
    const responder = new Responder(load, 0, []);
    const jar = new CookieJar(nodeCrypto, load.responder.publicKey);
    for (const [index, asked] of load.initiations.entries()) {
      const reply = responder.answer(asked, 0);
      if (reply !== undefined) return { jar, responder, reply, asked, next: load.initiations[index + 1]! };
    }
    throw new Error('the responder asked for no cookie');
  }

  it('gets a caller past the request for a cookie, with this and with later initiations', () => {
    const { jar, responder, reply, asked, next } = callUntilCookie();
    expect(reply).toHaveLength(COOKIE_REPLY_LENGTH);
    expect(jar.accept(0, reply, asked)).toBe(true);
    for (const initiation of [asked, next]) {
      expect(responder.answer(initiation, 0)).toHaveLength(COOKIE_REPLY_LENGTH);
      jar.sign(0, initiation);
      expect(responder.answer(initiation, 0)).toBeUndefined();
      expect(responder.dropped).toBe('unknown-peer');
    }
  });

  it('refuses a cookie that was sealed for another message', () => {
    const { jar, reply, next } = callUntilCookie();
    expect(jar.accept(0, reply, next)).toBe(false);
    const unsigned = next.slice();
    jar.sign(0, next);
    expect(next).toEqual(unsigned);
  });
});
