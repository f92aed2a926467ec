import { type Endpoint, instant, parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage } from './encoder.js';
import { StunTransaction } from './stun-transaction.js';
import type { StunClass, StunMessage } from './stun-message.js';

const server = parseEndpoint('203.0.113.10:3478')!;
const id = new Uint8Array(12).fill(1);

function message(messageClass: StunClass, transactionId = id): StunMessage {
  const result = decodeStunMessage(encodeStunMessage({ class: messageClass, transactionId, fingerprint: false }));
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

/** A transaction started at 1,000 ms, and the times of what it sent. */
function started() {
  const bytes = encodeStunMessage({ class: 'request', transactionId: id, fingerprint: false });
  const transaction = new StunTransaction({ destination: server, transactionId: id, bytes }, instant(1000));
  const sentAt: number[] = [];
  const runUntil = (end: number) => {
    for (let next = transaction.pollTimeout(); next && next.at <= end; next = transaction.pollTimeout()) {
      const at = next.at;
      transaction.handleTimeout(at, { datagram: () => sentAt.push(at - 1000) });
    }
  };
  return { transaction, sentAt, runUntil };
}

describe('StunTransaction', () => {
  it('sends at the times that RFC 8489 §6.2.1 gives as its example, and fails after 39.5 s', () => {
    const { transaction, sentAt, runUntil } = started();
    runUntil(1000 + 39_499);
    expect(transaction.state.kind).toBe('waiting');
    runUntil(1000 + 39_500);
    expect(sentAt).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(transaction.state.kind).toBe('timed-out');
    expect(transaction.pollTimeout()).toBeUndefined();
  });

  it('says why it wants to be woken', () => {
    const { transaction, runUntil } = started();
    expect(transaction.pollTimeout()).toEqual({ at: 1000, reason: 'stun 203.0.113.10:3478: first request' });
    runUntil(1000);
    expect(transaction.pollTimeout()).toEqual({ at: 1500, reason: 'stun 203.0.113.10:3478: request 2 of 7' });
    runUntil(1000 + 31_500);
    expect(transaction.pollTimeout()).toEqual({ at: 40_500, reason: 'stun 203.0.113.10:3478: giving up' });
  });

  it('ends with the first answer and measures from the latest sending', () => {
    const { transaction, sentAt, runUntil } = started();
    runUntil(1500);
    expect(transaction.handleMessage(message('success'), server, instant(1530))).toBe(true);
    expect(transaction.state).toMatchObject({ kind: 'answered', rtt: 30 });
    runUntil(60_000);
    expect(sentAt).toHaveLength(2);
    expect(transaction.handleMessage(message('success'), server, instant(1540))).toBe(false);
  });

  it('takes an error response as an answer', () => {
    const { transaction, runUntil } = started();
    runUntil(1000);
    expect(transaction.handleMessage(message('error'), server, instant(1010))).toBe(true);
  });

  it.each<[string, StunMessage, Endpoint]>([
    ['another transaction id', message('success', new Uint8Array(12)), server],
    ['another port', message('success'), parseEndpoint('203.0.113.10:3479')!],
    ['another address', message('success'), parseEndpoint('203.0.113.11:3478')!],
    ['its own request reflected', message('request'), server],
    ['an indication', message('indication'), server],
  ])('ignores %s', (_, answer, from) => {
    const { transaction, runUntil } = started();
    runUntil(1000);
    expect(transaction.handleMessage(answer, from, instant(1010))).toBe(false);
    expect(transaction.state.kind).toBe('waiting');
  });

  it('ignores an answer to a request that was never sent', () => {
    expect(started().transaction.handleMessage(message('success'), server, instant(1000))).toBe(false);
  });
});
