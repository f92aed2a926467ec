import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { deriveLabelledKey, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import {
  type Endpoint,
  formatEndpoint,
  milliseconds,
  parseEndpoint,
  parsePublicKey,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import {
  decodeStunMessage,
  encodeStunMessage,
  findAttribute,
  mappedEndpoint,
  type StunContentAttribute,
  type StunMessage,
  type StunMessageContent,
} from '@shadownet/stun';
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

/** A client's socket, and what comes to it, with its source. */
class Client {
  readonly received: { readonly from: string; readonly message: StunMessage }[] = [];

  private constructor(readonly socket: Socket) {
    socket.on('message', (bytes, { address, port }) => {
      const decoded = decodeStunMessage(Uint8Array.from(bytes));
      if (decoded.ok) this.received.push({ from: `${address}:${port}`, message: decoded.message });
    });
  }

  static async open(): Promise<Client> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Client(socket);
  }

  get local(): Endpoint {
    return parseEndpoint(`127.0.0.1:${this.socket.address().port}`)!;
  }

  async ask(port: number, content: Partial<StunMessageContent>) {
    const transactionId = Uint8Array.from(randomBytes(12));
    const before = this.received.length;
    this.socket.send(
      encodeStunMessage({ class: 'request', transactionId, fingerprint: false, ...content }),
      port,
      '127.0.0.1',
    );
    await expect.poll(() => this.received.length).toBeGreaterThan(before);
    return this.received[before]!;
  }
}

describe('the STUN server with a second address', () => {
  let server: TestServer;
  let client: Client;

  beforeEach(async () => {
    server = await TestServer.start({ stunPorts: '0,0', stunAlternateAddress: '127.0.0.2' });
    client = await Client.open();
  });
  afterEach(async () => {
    client.socket.close();
    await server.stop();
  });

  it('announces the ports of the first address, and names the second in its answers', async () => {
    const [first, second] = server.running.stunPorts;
    expect(server.running.stunPorts).toHaveLength(2);
    const { message } = await client.ask(first!, {});
    expect(formatEndpoint(findAttribute(message, 'other-address')!.endpoint)).toBe(`127.0.0.2:${second}`);
  });

  it.each([
    [false, true, '127.0.0.1', 1],
    [true, true, '127.0.0.2', 1],
    [true, false, '127.0.0.2', 0],
  ])('answers from elsewhere when asked to change address: %s, port: %s', async (address, port, host, index) => {
    const attributes: StunContentAttribute[] = [
      { kind: 'change-request', address, port },
      { kind: 'probe-padding', length: 40 },
    ];
    const answer = await client.ask(server.running.stunPorts[0]!, { attributes });
    expect(answer.from).toBe(`${host}:${server.running.stunPorts[index]}`);
    expect(mappedEndpoint(answer.message)).toEqual(client.local);
  });

  it('answers a node again in the time that it asks for, once it has heard of the node by the API', async () => {
    const privateKey = generatePrivateKey((length) => randomBytes(length));
    const pair = nodeCrypto.privateKey(privateKey);
    const own = publicKeyFromBytes(pair.publicKey)!;
    const control = parsePublicKey(server.running.publicKey)!;
    const shared = pair.sharedSecret(control)!;
    const key = deriveLabelledKey(nodeCrypto, shared, 'shadownet stun request v1', own, control);
    const id = deriveLabelledKey(nodeCrypto, shared, 'shadownet stun id v1', own, control).slice(0, 16);
    const request = (): Partial<StunMessageContent> => ({
      attributes: [
        { kind: 'username', value: id },
        { kind: 'xor-mapped-address', endpoint: client.local },
        { kind: 'answer-again', after: milliseconds(50) },
      ],
      integrity: { key, hmac: (hmacKey, input) => nodeCrypto.hmacSha256(hmacKey, input) },
    });

    const [port] = server.running.stunPorts;
    expect(findAttribute((await client.ask(port!, request())).message, 'answer-again')).toBeUndefined();
    await server.node(privateKey).register();
    expect(findAttribute((await client.ask(port!, request())).message, 'answer-again')?.after).toBe(50);
    await expect.poll(() => client.received.length).toBe(3);
    expect(findAttribute(client.received[2]!.message, 'answer-again')?.after).toBe(0);
    expect(client.received[2]!.from).toBe(`127.0.0.1:${port}`);
  });
});
