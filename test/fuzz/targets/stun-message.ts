// What arrives where STUN is spoken: at the decoder, at a server, and at the checks of integrity.
import { nodeCrypto } from '@shadownet/crypto';
import { addDuration, type Endpoint, instant, milliseconds, parseEndpoint } from '@shadownet/primitives';
import {
  BindingServer,
  decodeStunMessage,
  encodeStunMessage,
  isStunMessage,
  mappedEndpoint,
  MAX_ANSWER_BYTES,
  type ServerSocket,
  unknownRequiredTypes,
  verifyMessageIntegrity,
  verifyMessageIntegritySha256,
} from '@shadownet/stun';
import { type SeededRandom } from '@shadownet/testlab';
import type { FuzzTarget } from '../fuzz-target.js';

const CLIENT = parseEndpoint('[2001:db8::7]:4000')!;
const KEY = new Uint8Array(32).fill(7);
const { hmacSha1, hmacSha256 } = nodeCrypto;

export const stunMessage: FuzzTarget = {
  name: 'stun-message',
  inputs: 40_000,
  maxLength: 1500,
  start(random) {
    const sockets = ['203.0.113.10:3478', '203.0.113.10:3479', '203.0.113.11:3478', '203.0.113.11:3479'].map(
      (text, i): ServerSocket => {
        const own = parseEndpoint(text)!;
        return { host: i < 2 ? 'primary' : 'alternate', port: own.port, endpoint: own };
      },
    );
    const server = new BindingServer({
      ...{ software: 'fuzzed', maxPerSourcePerSecond: 1_000_000, sockets },
      answerAgain: { keyOf: () => KEY, hmac: hmacSha256 },
    });
    const transactionId = random.bytes(12);
    const integrity = { key: KEY, hmac: hmacSha256 };
    const endpoint = CLIENT;
    const examples = [
      encodeStunMessage({ class: 'request', transactionId, attributes: [], fingerprint: true }),
      encodeStunMessage({
        ...{ class: 'request', transactionId, integrity, fingerprint: true, software: 'a client' },
        attributes: [
          { kind: 'username', value: random.bytes(16) },
          { kind: 'probe-counter', counter: 2n ** 63n },
          { kind: 'change-request', address: true, port: true },
        ],
      }),
      encodeStunMessage({
        ...{ class: 'request', transactionId, integrity, fingerprint: false },
        attributes: [
          { kind: 'username', value: random.bytes(16) },
          { kind: 'xor-mapped-address', endpoint },
          { kind: 'answer-again', after: milliseconds(1000) },
        ],
      }),
      encodeStunMessage({
        ...{ class: 'success', transactionId, integrity, fingerprint: true },
        attributes: [
          { kind: 'xor-mapped-address', endpoint },
          { kind: 'mapped-address', endpoint },
          { kind: 'other-address', endpoint },
        ],
      }),
      encodeStunMessage({
        ...{ class: 'error', transactionId, fingerprint: false },
        attributes: [
          { kind: 'error-code', code: 420, phrase: 'Unknown Attribute' },
          { kind: 'unknown-attributes', types: [0x7fff, 0x1234] },
        ],
      }),
    ];
    let now = instant(0);
    return {
      examples: () => examples,
      feed(mutated) {
        const input = withTrueLength(mutated, random);
        now = addDuration(now, milliseconds(1));
        const decoded = decodeStunMessage(input);
        if (decoded.ok) {
          if (!isStunMessage(input)) throw new Error('decoded what is not STUN');
          mappedEndpoint(decoded.message);
          unknownRequiredTypes(decoded.message);
        }
        const isSigned = verifyMessageIntegritySha256(input, KEY, hmacSha256);
        if (isSigned && !examples.some((example) => sharesPrefix(example, input)))
          throw new Error('a forged signature');
        verifyMessageIntegrity(input, KEY, hmacSha1);

        const check = (answer: Uint8Array, to: Endpoint): void => {
          if (to !== CLIENT) throw new Error('an answer to somebody else');
          if (answer.length > MAX_ANSWER_BYTES) throw new Error(`an answer of ${String(answer.length)} bytes`);
          const reply = decodeStunMessage(answer);
          if (!reply.ok) throw new Error(`its own answer is ${reply.reason}`);
        };
        server.handleTimeout(now, { datagram: check });
        const socket = random.integer(0, 3);
        server.handleDatagram(input, CLIENT, socket, now, {
          datagram: (answer, to, via) => {
            check(answer, to);
            if (!decoded.ok || decoded.message.class !== 'request') throw new Error('answered what is no request');
            if (via !== socket && answer.length > input.length) throw new Error('amplified from elsewhere');
          },
        });
      },
    };
  },
};

/** Lets half of all inputs through the first check. */
function withTrueLength(input: Uint8Array, random: SeededRandom): Uint8Array {
  if (input.length < 20 || random.integer(0, 1) === 0) return input;
  const padded = new Uint8Array(Math.ceil(input.length / 4) * 4);
  padded.set(input);
  new DataView(padded.buffer).setUint16(2, padded.length - 20);
  return padded;
}

/** The part that the HMAC covers is an example's, but for the length field: what follows may have been changed. */
function sharesPrefix(example: Uint8Array, input: Uint8Array): boolean {
  const covered = Math.min(example.length, input.length) - 8 - 36;
  return covered >= 20 && Buffer.compare(example.subarray(4, covered), input.subarray(4, covered)) === 0;
}
