import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { formatEndpoint } from '@shadownet/primitives';
import { decodeStunMessage, encodeStunMessage, mappedEndpoint } from '@shadownet/stun';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';
import { StunService } from './stun.service.js';

describe('the STUN server', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ stunPorts: '0,0' });
  });
  afterEach(() => server.stop());

  it('tells a client its address on both ports, which nodes are told of', async () => {
    const [first, second] = server.running.stunPorts;
    expect(first).not.toBe(second);
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    for (const port of [first!, second!]) {
      const transactionId = Uint8Array.from(randomBytes(12));
      socket.send(
        encodeStunMessage({ class: 'request', transactionId, attributes: [], fingerprint: true }),
        port,
        '127.0.0.1',
      );
      const [answer] = (await once(socket, 'message')) as [Buffer];
      const decoded = decodeStunMessage(Uint8Array.from(answer));
      if (!decoded.ok) throw new Error(decoded.reason);
      expect(decoded.message.transactionId).toEqual(transactionId);
      expect(formatEndpoint(mappedEndpoint(decoded.message)!)).toBe(`127.0.0.1:${socket.address().port}`);
    }
    socket.close();

    expect(server.running.app.get(StunService).counters).toMatchObject({ answered: 2 });
    expect((await server.node().register()).json).toMatchObject({ stun_host: null, stun_ports: [first, second] });
  });

  it('does not answer what is not STUN', async () => {
    const { counters } = server.running.app.get(StunService);
    const socket = createSocket('udp4');
    for (let i = 0; i < 20; i++) socket.send(randomBytes(i * 7), server.running.stunPorts[0]!, '127.0.0.1');
    await expect.poll(() => counters.ignored).toBeGreaterThan(0);
    expect(counters.answered).toBe(0);
    socket.close();
  });

  it('says which port is taken, and leaves nothing running', async () => {
    const [port] = server.running.stunPorts;
    await expect(TestServer.start({ stunPorts: `0,${port}` })).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('announces its own host when that was configured', async () => {
    const apart = await TestServer.start({ stunPorts: '0', stunHost: '127.0.0.1' });
    expect((await apart.node().register()).json).toMatchObject({ stun_host: '127.0.0.1' });
    await apart.stop();
  });
});
