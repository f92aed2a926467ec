import { describe, expect, it } from 'vitest';
import { PeerSessions } from './peer-sessions.js';
import type { SessionRef } from './transport/session-table.js';

const session = (slot: number): SessionRef => ({ slot, generation: 0 });
const [a, b, c, d, e] = [1, 2, 3, 4, 5].map(session) as [SessionRef, SessionRef, SessionRef, SessionRef, SessionRef];

describe('the sessions of a peer', () => {
  it('are used at once by the initiator', () => {
    const sessions = new PeerSessions();
    expect(sessions.addAsInitiator(a)).toEqual([]);
    expect(sessions.current).toBe(a);
    sessions.addAsInitiator(b);
    expect([sessions.current, ...sessions.previous]).toEqual([b, a]);
  });

  it('wait for confirmation at the responder', () => {
    const sessions = new PeerSessions();
    sessions.addAsInitiator(a);
    sessions.addAsResponder(b);
    expect([sessions.current, sessions.next]).toEqual([a, b]);
    expect(sessions.confirmNext()).toEqual([]);
    expect([sessions.current, sessions.next, sessions.previous]).toEqual([b, undefined, [a]]);
  });

  it('drop an unconfirmed one for a newer', () => {
    const sessions = new PeerSessions();
    sessions.addAsResponder(a);
    expect(sessions.addAsResponder(b)).toEqual([a]);
    expect(sessions.next).toBe(b);
  });

  it('keep the old one open when both ends renew at the same moment', () => {
    const sessions = new PeerSessions();
    sessions.addAsInitiator(a);
    sessions.addAsResponder(b);
    expect(sessions.addAsInitiator(c)).toEqual([]);
    expect([sessions.current, ...sessions.previous]).toEqual([c, b, a]);
  });

  it('are never more than four', () => {
    const sessions = new PeerSessions();
    const ended = [a, b, c].flatMap((each) => sessions.addAsInitiator(each));
    sessions.addAsResponder(d);
    expect(sessions.all).toHaveLength(4);
    ended.push(...sessions.addAsInitiator(e));
    expect(sessions.all).toEqual([e, d, c]);
    expect(ended).toEqual([b, a]);
  });

  it('that are too old to send with can still be received with', () => {
    const sessions = new PeerSessions();
    sessions.addAsInitiator(a);
    sessions.expireCurrent();
    expect([sessions.current, ...sessions.previous]).toEqual([undefined, a]);
  });
});
