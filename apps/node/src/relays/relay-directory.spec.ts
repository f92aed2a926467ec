import type { Relay } from '@shadownet/contracts';
import { formatEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { RelayDirectory } from './relay-directory.js';

const RELAY: Relay = {
  id: 'eu-1',
  public_key: '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=',
  host: null,
  udp_port: 3480,
  websocket_url: '/relay/v1',
  ticket: null,
};

async function describeRelay(changes: Partial<Relay>, control = 'https://192.0.2.1:8443/mesh/') {
  const [relay] = await new RelayDirectory(new URL(control), [4, 6]).describe([{ ...RELAY, ...changes }]);
  return relay && { ...relay, udp: relay.udp.map(formatEndpoint) };
}

describe('a relay that the control server names', () => {
  it('is at the server’s own address unless it has another one', async () => {
    expect(await describeRelay({})).toMatchObject({
      udp: ['192.0.2.1:3480'],
      websocketUrl: 'wss://192.0.2.1:8443/relay/v1',
      ticket: new Uint8Array(0),
    });
    expect(await describeRelay({}, 'http://[2001:db8::1]:8080')).toMatchObject({
      udp: ['[2001:db8::1]:3480'],
      websocketUrl: 'ws://[2001:db8::1]:8080/relay/v1',
    });
    const elsewhere = { host: '198.51.100.7', websocket_url: 'wss://relay.example/relay/v1', ticket: 'AQID' };
    expect(await describeRelay(elsewhere)).toMatchObject({
      udp: ['198.51.100.7:3480'],
      websocketUrl: 'wss://relay.example/relay/v1',
      ticket: Uint8Array.of(1, 2, 3),
    });
  });

  it('may lack UDP, or a WebSocket that makes sense', async () => {
    expect(await describeRelay({ udp_port: null })).toMatchObject({ udp: [] });
    expect(await describeRelay({ websocket_url: null })).toMatchObject({ websocketUrl: undefined });
    expect(await describeRelay({ websocket_url: 'ftp://relay.example' })).toMatchObject({ websocketUrl: undefined });
  });

  it('is left out if its key is none', async () => {
    expect(await describeRelay({ public_key: 'x' })).toBeUndefined();
  });
});
