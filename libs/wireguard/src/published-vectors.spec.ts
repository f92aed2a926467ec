// Published vectors and behaviour cases: they lie beside the repository and are not part of it. Whole handshakes are in
// test/conformance/wireguard-transcripts.spec.ts; the specs beside each source stand on their own.

import { existsSync, readFileSync } from 'node:fs';
import { nobleCrypto, nodeCrypto } from '@shadownet/crypto';
import {
  addDuration,
  decodeHex,
  encodeHex,
  formatIpPrefix,
  instant,
  ipPrefix,
  milliseconds,
  parseIpAddress,
  REPLAY_WINDOW_COUNTERS,
  REPLAY_WINDOW_WORDS,
  ReplayWindow,
} from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { AllowedIps } from './allowed-ips.js';
import { PROVEN_SOURCE_LIMITS, REJECT_AFTER_MESSAGES } from './constants.js';
import {
  readInitiationPayload,
  readInitiationStatic,
  readResponse,
  writeInitiation,
  writeResponse,
} from './handshake/handshake.js';
import { kdf } from './handshake/noise.js';
import { RateLimiter } from './handshake/rate-limiter.js';

const FOLDER = new URL('../../../../shared/vectors/', import.meta.url);

describe.skipIf(!existsSync(FOLDER)).each([nodeCrypto, nobleCrypto])('published Noise vectors with $name', (crypto) => {
  it('derives the keys of the KDF vectors', () => {
    interface KdfFile {
      vectors: { key: string; input: string; t0: string; t1: string; t2: string }[];
    }
    for (const { key, input, t0, t1, t2 } of load<KdfFile>('wg_kdf.json').vectors) {
      const outputs = (count: 1 | 2 | 3): string[] => kdf(crypto, bytes(key), bytes(input), count).map(encodeHex);
      expect(outputs(3)).toEqual([t0, t1, t2]);
      expect(outputs(2)).toEqual([t0, t1]);
      expect(outputs(1)).toEqual([t0]);
    }
  });

  it('holds the IKpsk2 conversation of the cacophony vectors', () => {
    interface NoiseFile {
      vectors: {
        init_prologue: string;
        init_psks: string[];
        init_static: string;
        init_ephemeral: string;
        resp_static: string;
        resp_ephemeral: string;
        handshake_hash: string;
        messages: { payload: string; ciphertext: string }[];
      }[];
    }
    for (const vector of load<NoiseFile>('noise_ikpsk2_cacophony.json').vectors) {
      const prologue = bytes(vector.init_prologue);
      const psk = bytes(vector.init_psks[0]!);
      const initiator = crypto.privateKey(bytes(vector.init_static));
      const responder = crypto.privateKey(bytes(vector.resp_static));
      const staticShared = initiator.sharedSecret(responder.publicKey)!;
      const [first, second, ...transport] = vector.messages;

      const initiation = writeInitiation(
        crypto,
        initiator,
        responder.publicKey,
        staticShared,
        crypto.privateKey(bytes(vector.init_ephemeral)),
        bytes(first!.payload),
        prologue,
      )!;
      expect(encodeHex(initiation.body)).toBe(first!.ciphertext);

      const opened = readInitiationStatic(crypto, responder, initiation.body, prologue)!;
      expect(opened.remoteStatic).toEqual(initiator.publicKey);
      expect(encodeHex(readInitiationPayload(opened, staticShared, initiation.body)!)).toBe(first!.payload);
      const ephemeral = crypto.privateKey(bytes(vector.resp_ephemeral));
      const response = writeResponse(opened, ephemeral, psk, bytes(second!.payload))!;
      expect(encodeHex(response.body)).toBe(second!.ciphertext);
      expect(encodeHex(response.hash)).toBe(vector.handshake_hash);

      const read = readResponse(initiation.pending, initiator, psk, response.body)!;
      expect(encodeHex(read.payload)).toBe(second!.payload);
      expect(encodeHex(read.hash)).toBe(vector.handshake_hash);
      expect(read.keys).toEqual({ send: response.keys.receive, receive: response.keys.send });

      transport.forEach(({ payload, ciphertext }, i) => {
        const key = i % 2 === 0 ? read.keys.send : response.keys.send;
        const nonce = new Uint8Array(12);
        nonce[4] = i >> 1;
        const sealed = new Uint8Array(bytes(payload).length + 16);
        crypto.seal(key, nonce, bytes(payload), new Uint8Array(0), sealed);
        expect(encodeHex(sealed)).toBe(ciphertext);
      });
    }
  });
});

describe.skipIf(!existsSync(FOLDER))('published behaviour cases', () => {
  it('treats the counters of the replay cases as expected', () => {
    type Step = [string | number, boolean] | ['range', number, number, number, boolean];
    interface ReplayFile {
      window: number;
      reject_after_messages: string;
      sequence: [string, boolean][];
      bulk: Step[][];
    }
    const file = load<ReplayFile>('replay_window.json');
    expect(file.window).toBe(REPLAY_WINDOW_COUNTERS);
    expect(BigInt(file.reject_after_messages)).toBe(REJECT_AFTER_MESSAGES);
    for (const steps of [file.sequence, ...file.bulk]) {
      const window = new ReplayWindow(
        new BigUint64Array(1),
        new Uint32Array(REPLAY_WINDOW_WORDS),
        REJECT_AFTER_MESSAGES,
      );
      for (const step of steps) {
        const [from, to, stride, expected] = step[0] === 'range' ? step.slice(1) : [step[0], step[0], 1, step[1]];
        const [first, last, by] = [BigInt(from as string), BigInt(to as string), BigInt(stride as number)];
        for (let counter = first; by > 0n ? counter <= last : counter >= last; counter += by) {
          expect(window.accept(counter), `counter ${counter}`).toBe(expected);
        }
      }
    }
  });

  it('routes the addresses of the allowed-IPs cases to the expected peers', () => {
    type Case =
      | ['insert' | 'remove', string, string, number]
      | ['assertEQ' | 'assertNEQ', string, string]
      | ['removeByPeer', string];
    interface AllowedIpsFile {
      v4: Case[];
      v6: Case[];
      listing: { insert: [string, string, number][]; expect: string[] };
    }
    const file = load<AllowedIpsFile>('allowedips.json');
    for (const cases of [file.v4, file.v6]) {
      const table = new AllowedIps<string>();
      for (const [action, peer, address, length] of cases) {
        const ip = parseIpAddress(address ?? '::')!;
        if (action === 'insert') table.insert(ipPrefix(ip, length!), peer);
        else if (action === 'remove') table.remove(ipPrefix(ip, length!), peer);
        else if (action === 'removeByPeer') table.removeOwner(peer);
        else if (action === 'assertEQ') expect(table.ownerOf(ip), address).toBe(peer);
        else expect(table.ownerOf(ip), address).not.toBe(peer);
      }
      for (const peer of 'abcdefgh') table.removeOwner(peer);
      expect(table.isEmpty).toBe(true);
    }
    const table = new AllowedIps<string>();
    for (const [peer, address, length] of file.listing.insert)
      table.insert(ipPrefix(parseIpAddress(address)!, length), peer);
    expect(table.prefixesOf('a').map(formatIpPrefix).sort()).toEqual([...file.listing.expect].sort());
  });

  it('limits each source as the rate limiter cases expect', () => {
    interface LimiterFile {
      steps: [number, boolean][];
      ips: string[];
    }
    const file = load<LimiterFile>('ratelimiter.json');
    const limiter = new RateLimiter(PROVEN_SOURCE_LIMITS);
    let now = instant(0);
    for (const [wait, expected] of file.steps) {
      now = addDuration(now, milliseconds(wait));
      for (const ip of file.ips) expect(limiter.allow(parseIpAddress(ip)!, now), `${ip} at ${now}`).toBe(expected);
    }
  });
});

it('HMAC-BLAKE2s agrees between the providers', () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(nodeCrypto.hmacBlake2s(key, key)).toEqual(nobleCrypto.hmacBlake2s(key, key));
});

function load<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Content;
}

function bytes(hex: string): Uint8Array {
  return decodeHex(hex)!;
}
