import type { Peer } from '@shadownet/contracts';
import { type Endpoint, formatEndpoint, parseEndpoint, udpPath } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { ownCandidates, pathKind, peerCandidates } from './peer-candidates.js';

const at = (text: string): Endpoint => parseEndpoint(text)!;
const via = (text: string) => udpPath(at(text));
const texts = (candidates: readonly { kind: string; endpoint: Endpoint }[]): string[] =>
  candidates.map(({ kind, endpoint }) => `${kind} ${formatEndpoint(endpoint)}`);

const PEER: Peer = {
  id: '7b3f6d5e-8e56-4b2e-9d4c-0d9d1d9f0a01',
  public_key: 'AAAA',
  virtual_ip: '10.100.0.2',
  endpoint: '203.0.113.21:40000',
  candidates: [
    { kind: 'host', ip: '192.168.1.2', port: 51820 },
    { kind: 'server-reflexive', ip: '203.0.113.21', port: 40000 },
  ],
  hostname: 'b',
  os: 'Linux',
  allowed_ips: ['10.100.0.2/32'],
  online: true,
  last_heartbeat: null,
};

describe('the candidates of a peer', () => {
  it('are what it announced and its endpoint, each once', () => {
    expect(texts(peerCandidates(PEER, []))).toEqual(['host 192.168.1.2:51820', 'server-reflexive 203.0.113.21:40000']);
    expect(texts(peerCandidates({ ...PEER, candidates: [] }, []))).toEqual(['server-reflexive 203.0.113.21:40000']);
    expect(peerCandidates({ ...PEER, candidates: [], endpoint: null }, [])).toEqual([]);
  });

  it('leave out an endpoint that is our own, but not our address with another port', () => {
    expect(texts(peerCandidates(PEER, [at('192.168.1.2:51820')]))).toEqual(['server-reflexive 203.0.113.21:40000']);
    expect(peerCandidates(PEER, [at('192.168.1.2:51821')])).toHaveLength(2);
  });
});

describe('our own candidates', () => {
  it('count a public address of the host once, as the host’s', () => {
    const address = at('203.0.113.5:51820');
    expect(texts(ownCandidates([address], [address], undefined))).toEqual(['host 203.0.113.5:51820']);
  });

  it('name an endpoint that is forwarded to us as such, also when STUN servers see us there', () => {
    const outer = at('203.0.113.21:51820');
    expect(texts(ownCandidates([], [outer], outer))).toEqual(['port-mapped 203.0.113.21:51820']);
  });

  it('are 16 at most, and what others see or forward is among them', () => {
    const host = Array.from({ length: 20 }, (_, i) => at(`192.168.1.${i + 1}:51820`));
    const candidates = texts(ownCandidates(host, [at('203.0.113.21:40000')], at('203.0.113.21:51820')));
    expect(candidates).toHaveLength(16);
    expect(candidates).toContain('server-reflexive 203.0.113.21:40000');
    expect(candidates).toContain('port-mapped 203.0.113.21:51820');
  });
});

describe('the kind of a path', () => {
  const candidates = peerCandidates(PEER, []);

  it('is lan for a private address of the peer itself', () => {
    expect(pathKind(via('192.168.1.2:51820'), candidates)).toBe('lan');
  });

  it('is direct for an address of the internet, also if the peer itself has it', () => {
    expect(pathKind(via('203.0.113.21:40000'), candidates)).toBe('direct');
    expect(pathKind(via('203.0.113.5:1'), [{ kind: 'host', endpoint: at('203.0.113.5:1') }])).toBe('direct');
  });

  it('is direct for the private outside of a NAT', () => {
    expect(pathKind(via('10.9.9.9:40000'), [{ kind: 'peer-reflexive', endpoint: at('10.9.9.9:40000') }])).toBe(
      'direct',
    );
  });
});
