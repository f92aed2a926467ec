// The rules of concurrency.md that hold for session state. A second handle on the same buffer stands for a worker: what it
// sees and may do is the same, only that the steps of both threads are interleaved by hand.

import { type Instant, instant } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { REJECT_AFTER_MESSAGES } from '../constants.js';
import type { SessionIndex } from '../session-index.js';
import { type NewSession, SessionTable } from './session-table.js';

const KEY_A = new Uint8Array(32).fill(0xaa);
const KEY_B = new Uint8Array(32).fill(0xbb);

function newSession(more: Partial<NewSession> = {}): NewSession {
  return {
    state: 'current',
    role: 'initiator',
    localIndex: 0xfffffffe as SessionIndex,
    remoteIndex: 2 as SessionIndex,
    peer: 7,
    createdAt: instant(1.5),
    sendKey: KEY_A,
    receiveKey: KEY_B,
    ...more,
  };
}

describe('the session table', () => {
  it('shows every thread the session as it was opened', () => {
    const table = SessionTable.allocate(2);
    const session = table.open(newSession({ role: 'responder', state: 'next' }))!;
    const worker = SessionTable.attach(table.buffer, 'receive');
    expect(worker.localIndex(session)).toBe(0xfffffffe);
    expect(worker.remoteIndex(session)).toBe(2);
    expect(worker.role(session)).toBe('responder');
    expect(worker.state(session)).toBe('next');
    expect(worker.peer(session)).toBe(7);
    expect(worker.createdAt(session)).toBe(1.5);
    expect(worker.sendKey(session)).toEqual(KEY_A);
    expect(worker.receiveKey(session)).toEqual(KEY_B);
  });

  it('is full when it is full', () => {
    const table = SessionTable.allocate(2);
    const first = table.open(newSession())!;
    expect(table.open(newSession())).toBeDefined();
    expect(table.open(newSession())).toBeUndefined();
    table.retire(first);
    expect(table.open(newSession())).toBeDefined();
  });

  it('starts a slot anew: counter, window, statistics and confirmation', () => {
    const table = SessionTable.allocate(1);
    const first = table.open(newSession({ state: 'next' }))!;
    table.reserveCounters(first, 5);
    table.replayWindow(first).accept(1000n);
    table.recordSent(first, instant(9), 100);
    table.confirm(first);
    table.retire(first);
    const second = table.open(newSession({ state: 'next' }))!;
    expect(second).toEqual({ slot: first.slot, generation: first.generation + 1 });
    expect(table.reserveCounters(second, 1)).toBe(0n);
    expect(table.replayWindow(second).accept(0n)).toBe(true);
    expect(table.traffic(second)).toEqual({
      bytesSent: 0,
      bytesReceived: 0,
      lastSentAt: undefined,
      lastReceivedAt: undefined,
    });
    expect(table.isConfirmed(second)).toBe(false);
  });
});

describe('rule 1: nonces', () => {
  it('never gives a counter to two threads, nor one twice', () => {
    const table = SessionTable.allocate(1);
    const session = table.open(newSession())!;
    const worker = SessionTable.attach(table.buffer, 'transmit');
    const used = new Set<bigint>();
    for (let i = 0; i < 1000; i++) {
      const count = 1 + (i % 7);
      const first = (i % 2 === 0 ? table : worker).reserveCounters(session, count)!;
      for (let n = 0n; n < count; n++) {
        expect(used.has(first + n)).toBe(false);
        used.add(first + n);
      }
    }
    expect(table.sendCounter(session)).toBe(BigInt(used.size));
  });

  it('counts beyond what a double holds exactly', () => {
    const table = SessionTable.allocate(1);
    const session = table.open(newSession())!;
    setSendCounter(table, 2n ** 60n);
    expect(table.reserveCounters(session, 1)).toBe(2n ** 60n);
    expect(table.reserveCounters(session, 1)).toBe(2n ** 60n + 1n);
  });

  it('gives the last valid counter and then none, however often it is asked', () => {
    const table = SessionTable.allocate(1);
    const session = table.open(newSession())!;
    setSendCounter(table, REJECT_AFTER_MESSAGES - 3n);
    expect(table.reserveCounters(session, 2)).toBe(REJECT_AFTER_MESSAGES - 3n);
    expect(table.reserveCounters(session, 2)).toBeUndefined();
    for (let i = 0; i < 20_000; i++) expect(table.reserveCounters(session, 1)).toBeUndefined();
    expect(table.sendCounter(session)).toBeLessThan(2n ** 64n - 1n);
  });

  /** Writes the cell that the layout comment of session-table.ts describes. */
  function setSendCounter(table: SessionTable, value: bigint): void {
    new BigUint64Array(table.buffer)[(128 + 32) / 8] = value;
  }
});

describe('rule 2: generations', () => {
  it('reserves nothing under the name of a session whose slot has a new one', () => {
    const table = SessionTable.allocate(1);
    const worker = SessionTable.attach(table.buffer, 'transmit');
    const old = table.open(newSession())!;
    table.retire(old);
    const current = table.open(newSession({ sendKey: KEY_B }))!;
    expect(worker.reserveCounters(old, 1)).toBeUndefined();
    expect(worker.isLive(old)).toBe(false);
    expect(table.reserveCounters(current, 1)).toBe(0n);
  });

  it('does not use a slot again, nor zero it, before every reader has passed', () => {
    const table = SessionTable.allocate(1);
    const worker = SessionTable.attach(table.buffer, 'transmit');
    const reader = worker.addReader();
    const other = worker.addReader();
    const old = table.open(newSession())!;
    const key = worker.sendKey(old);
    table.retire(old);
    expect(worker.isLive(old)).toBe(false);
    expect(worker.reserveCounters(old, 1)).toBeUndefined();
    // A reader that is in the middle of sealing still has the old key under it, not another one and not zeros.
    expect(key).toEqual(KEY_A);
    expect(table.open(newSession())).toBeUndefined();

    worker.passEpoch(reader);
    table.reclaim();
    expect(key).toEqual(KEY_A);
    expect(table.hasRetired).toBe(true);

    worker.passEpoch(other);
    table.reclaim();
    expect(key).toEqual(new Uint8Array(32));
    expect(table.open(newSession({ sendKey: KEY_B }))).toBeDefined();
  });

  it('goes on when epochs wrap around', () => {
    const table = SessionTable.allocate(1);
    const epochCell = new Int32Array(table.buffer).subarray(1, 2);
    epochCell[0] = 2 ** 31 - 1;
    const reader = table.addReader();
    table.retire(table.open(newSession())!);
    expect(epochCell[0]).toBeLessThan(0);
    expect(table.open(newSession())).toBeUndefined();
    table.passEpoch(reader);
    expect(table.open(newSession())).toBeDefined();
  });

  it('does not wait for readers that are gone', () => {
    const table = SessionTable.allocate(1);
    const reader = table.addReader();
    const session = table.open(newSession())!;
    table.retire(session);
    table.removeReader(reader);
    expect(table.open(newSession())).toBeDefined();
  });
});

describe('rule 4: removing', () => {
  it('lets a receiver that has opened a packet see that the session is dead', () => {
    const table = SessionTable.allocate(1);
    const worker = SessionTable.attach(table.buffer, 'receive');
    worker.addReader();
    const session = table.open(newSession())!;
    expect(worker.replayWindow(session).mayAccept(0n)).toBe(true);
    table.retire(session);
    expect(worker.isLive(session)).toBe(false);
  });

  it('leaves no byte of either key behind', () => {
    const table = SessionTable.allocate(1);
    table.retire(table.open(newSession())!);
    const bytes = new Uint8Array(table.buffer);
    expect(bytes.includes(0xaa)).toBe(false);
    expect(bytes.includes(0xbb)).toBe(false);
  });
});

describe('rule 5: the replay window', () => {
  it('is one for all threads: what one accepted the other refuses', () => {
    const table = SessionTable.allocate(1);
    const worker = SessionTable.attach(table.buffer, 'receive');
    const session = table.open(newSession())!;
    // Both looked before opening; the check-and-set afterwards decides.
    expect(table.replayWindow(session).mayAccept(3n)).toBe(true);
    expect(worker.replayWindow(session).mayAccept(3n)).toBe(true);
    expect(worker.replayWindow(session).accept(3n)).toBe(true);
    expect(table.replayWindow(session).accept(3n)).toBe(false);
  });
});

describe('rule 6: rekeying', () => {
  it('tells the first packet under a next session from all others', () => {
    const table = SessionTable.allocate(1);
    const worker = SessionTable.attach(table.buffer, 'receive');
    const session = table.open(newSession({ state: 'next' }))!;
    expect(table.isConfirmed(session)).toBe(false);
    expect(worker.confirm(session)).toBe(true);
    expect(worker.confirm(session)).toBe(false);
    expect(table.isConfirmed(session)).toBe(true);
    // The worker reports; the state is the main thread's to change.
    expect(table.state(session)).toBe('next');
    table.setState(session, 'current');
    expect(worker.state(session)).toBe('current');
  });
});

describe('rule 7: statistics', () => {
  it('adds up what each writer notes in cells of its own', () => {
    const table = SessionTable.allocate(1);
    const [transmit, receive] = [
      SessionTable.attach(table.buffer, 'transmit'),
      SessionTable.attach(table.buffer, 'receive'),
    ];
    const session = table.open(newSession())!;
    const at = (ms: number): Instant => instant(ms);
    table.recordSent(session, at(10), 32);
    transmit.recordSent(session, at(5), 1000);
    transmit.recordSent(session, at(8), 1000);
    receive.recordReceived(session, at(12), 500);
    expect(table.traffic(session)).toEqual({
      bytesSent: 2032,
      bytesReceived: 500,
      lastSentAt: 10,
      lastReceivedAt: 12,
    });
  });

  it('has cells for each worker that sends, of which nobody touches another’s', () => {
    const table = SessionTable.allocate(2, 3);
    const workers = [0, 1, 2].map((pair) => SessionTable.attach(table.buffer, 'transmit', pair));
    const [session, neighbour] = [table.open(newSession())!, table.open(newSession())!];
    workers.forEach((worker, pair) => worker.recordSent(session, instant(10 - pair), 10 ** pair));
    table.recordSent(neighbour, instant(1), 5);
    expect(table.traffic(session)).toMatchObject({ bytesSent: 111, lastSentAt: 10, bytesReceived: 0 });
    expect(table.traffic(neighbour)).toMatchObject({ bytesSent: 5, lastSentAt: 1 });
    expect(table.sendKey(neighbour)).toEqual(KEY_A);
    expect(() => SessionTable.attach(table.buffer, 'transmit', 3)).toThrow(RangeError);

    table.retire(session);
    const next = table.open(newSession())!;
    expect(next.slot).toBe(session.slot);
    expect(table.traffic(next)).toMatchObject({ bytesSent: 0, lastSentAt: undefined });
  });
});
