import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { concatBytes, encodeUtf8, type Endpoint, instant, type Instant, parseEndpoint } from '@shadownet/primitives';
import { HandshakeCells, type HandshakeKeys, ReceiverIndexTable, SessionTable } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it } from 'vitest';

import { admissionOf, ADMISSION_TAG, type GateVerdict, HandshakeGate } from './handshake-gate.js';
import { MessageRing } from './message-ring.js';

const PUBLIC_KEY = new Uint8Array(randomBytes(32));
const KEYS: HandshakeKeys = {
  mac1: nodeCrypto.blake2s(concatBytes(encodeUtf8('mac1----'), PUBLIC_KEY), 32),
  cookieMaster: new Uint8Array(32).fill(9),
};
const SOMEWHERE = parseEndpoint('198.18.0.1:1000')!;
const OUR_INDEX = 0xabcd_1234;

let cells: HandshakeCells;
let ring: MessageRing;
let gate: HandshakeGate;
let now: Instant;
beforeEach(() => {
  cells = new HandshakeCells({ handshakesPerSecond: 10, seed: 5 });
  ring = new MessageRing({ slots: 64, maxMessage: 148 });
  const sessions = SessionTable.allocate(4);
  gate = new HandshakeGate({
    crypto: nodeCrypto,
    cells: cells.buffer,
    sessions: new ReceiverIndexTable(sessions),
    ring,
    workers: 1,
  });
  gate.useKeys({ mac1: KEYS.mac1.slice(), cookieMaster: KEYS.cookieMaster.slice() });
  now = instant(1000);
});

function judge(message: Uint8Array, from: Endpoint = SOMEWHERE): GateVerdict {
  const memory = concatBytes(new Uint8Array(33), message, new Uint8Array(7));
  return gate.judge(memory, 33, message.length, () => from, now);
}

/** With a valid mac1, and nothing else. */
function forged(type: 1 | 2, receiver = 0): Uint8Array {
  const message = new Uint8Array(type === 1 ? 148 : 92);
  crypto.getRandomValues(message.subarray(4));
  message.fill(0, message.length - 16);
  message[0] = type;
  if (type === 2) new DataView(message.buffer).setUint32(8, receiver, true);
  const covered = message.subarray(0, message.length - 32);
  message.set(nodeCrypto.blake2s(covered, 16, KEYS.mac1), covered.length);
  return message;
}

function cookieReply(receiver: number): Uint8Array {
  const message = new Uint8Array(64);
  message[0] = 3;
  new DataView(message.buffer).setUint32(4, receiver, true);
  return message;
}

function putUnderLoad(): void {
  cells.setUnderLoadUntil(instant(now + 1_000_000));
}

describe('the gate in front of the main thread', () => {
  it('lets handshake messages with a valid mac1 pass, and no others', () => {
    for (const type of [1, 2] as const) {
      const message = forged(type);
      expect(judge(message)).toBe('process');
      message[20]! ^= 1;
      expect(judge(message)).toBe('invalid-mac1');
    }
  });

  it('follows a change of the private key, and lets nothing pass without one', () => {
    const message = forged(1);
    gate.useKeys({ mac1: new Uint8Array(32).fill(1), cookieMaster: KEYS.cookieMaster.slice() });
    expect(judge(message)).toBe('invalid-mac1');
    gate.useKeys(undefined);
    expect(judge(message)).toBe('no-private-key');
  });

  it('lets cookie replies pass only if they answer something, and not too many', () => {
    expect(judge(cookieReply(OUR_INDEX))).toBe('unexpected');
    cells.addInitiation(OUR_INDEX, 1);
    const verdicts = Array.from({ length: 1000 }, () => judge(cookieReply(OUR_INDEX)));
    expect([verdicts[0], verdicts.at(-1)]).toEqual(['unchecked', 'rate-limited']);
  });

  it('admits what the load guard admits while the main thread is under load', () => {
    putUnderLoad();
    const verdicts = Array.from({ length: 500 }, () => judge(forged(1)));
    expect(verdicts[0]).toBe('process');
    expect(verdicts.filter((verdict) => verdict === 'process').length).toBeLessThanOrEqual(2);
    expect(verdicts.filter((verdict) => verdict === 'send-cookie').length).toBeLessThan(50);
    expect(verdicts.at(-1)).toBe('under-load');
  });

  it('tells answers to our initiations from made-up ones under load', () => {
    putUnderLoad();
    for (let i = 0; i < 500; i++) judge(forged(2));
    expect(judge(forged(2))).toBe('under-load');
    cells.addInitiation(OUR_INDEX, 1);
    expect(judge(forged(2, OUR_INDEX))).toBe('process');
  });

  it('lets peers pass from where they are under load, whatever comes from elsewhere', () => {
    putUnderLoad();
    for (let i = 0; i < 500; i++) judge(forged(1));
    const home = parseEndpoint('203.0.113.7:51820')!;
    cells.addPeerAt(home.address, 1);
    expect(judge(forged(1), home)).toBe('process');
  });

  it('takes waiting messages for load, by how long they wait and not by how many they are', () => {
    const write = (): void => ring.write(new Uint8Array(148));
    for (let i = 0; i < 60; i++) write();
    expect(judge(forged(1))).toBe('process');
    now = instant(now + 24);
    expect(judge(forged(1))).toBe('process');
    now = instant(now + 2);
    const verdicts = Array.from({ length: 50 }, () => judge(forged(1)));
    expect(verdicts.at(-1)).toBe('under-load');

    // Read, and a second later the load is over; a steady stream that is read in time is none.
    const reader = new MessageRing(ring.buffer);
    now = instant(now + 1100);
    for (let i = 0; i < 200; i++) {
      while (reader.read());
      expect(judge(forged(1))).toBe('process');
      write();
      now = instant(now + 10);
    }
  });

  it('has tags for what the core need not check again', () => {
    expect([ADMISSION_TAG.process, ADMISSION_TAG['send-cookie'], ADMISSION_TAG.unchecked].map(admissionOf)).toEqual([
      ...(['process', 'send-cookie', undefined] as const),
    ]);
  });
});
