import type { RelayStatus } from '@shadownet/relay';
import { beforeEach, describe, expect, it } from 'vitest';
import { PeerRelays } from './peer-relays.js';

describe('the relay of a peer', () => {
  let peers: PeerRelays;
  let health: Record<string, RelayStatus['health']>;
  beforeEach(() => {
    peers = new PeerRelays();
    health = { near: 'up', far: 'untried' };
  });

  const choose = (ownHome?: string) => Object.fromEntries(peers.choose((relay) => health[relay], ownHome));
  const atHome = (home: string | undefined) => peers.setHomes(new Map([['b', home]]));

  it('is its home, and said once', () => {
    atHome('far');
    expect(choose()).toEqual({ b: 'far' });
    expect(choose()).toEqual({});
  });

  it('is where it was heard, until the map names its home', () => {
    atHome(undefined);
    expect(choose('near')).toEqual({});
    expect(peers.heard('b', 'near')).toBe(true);
    expect(peers.heard('b', 'near')).toBe(false);
    expect(choose()).toEqual({ b: 'near' });
    atHome('far');
    expect(choose()).toEqual({ b: 'far' });
  });

  it('is our own home while its home fails, and its home again afterwards', () => {
    atHome('far');
    choose('near');
    health['far'] = 'failed';
    expect(choose('near')).toEqual({ b: 'near' });
    health['far'] = 'up';
    expect(choose('near')).toEqual({ b: 'far' });
  });

  it('stays its home where all fail, and is none where that does not exist', () => {
    atHome('far');
    choose();
    health = { near: 'failed', far: 'failed' };
    expect(choose('near')).toEqual({});
    health = { near: 'up' };
    expect(choose()).toEqual({ b: undefined });
  });

  it('is nobody’s who is not in the map', () => {
    expect(peers.heard('stranger', 'near')).toBe(false);
    atHome('near');
    choose();
    peers.setHomes(new Map());
    atHome('near');
    expect(choose()).toEqual({ b: 'near' });
  });
});
