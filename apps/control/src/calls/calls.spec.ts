import { encodeBase64 } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VISIBILITY, type Visibility } from '../network-map/visibility.js';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';
import { NODE_CALL_LIMITS, PAIR_CALL_LIMITS } from './call-limits.js';

const CALL = encodeBase64(Uint8Array.of(1, 2, 3, 4));
const DELIVERED = { success: true, delivered: true };
const NOT_DELIVERED = { success: true, delivered: false };

describe('a call', () => {
  let server: TestServer;
  let a: TestNode;
  let b: TestNode;
  beforeEach(async () => {
    server = await TestServer.start();
    [a, b] = [server.node(), server.node()];
    await a.register();
    await b.register();
  });
  afterEach(() => server.stop());

  const call = (from: TestNode, to: TestNode, message = CALL) =>
    from.call('POST', '/api/v1/calls', { public_key: to.publicKey, call: message });

  it('comes to the peer, and to nobody else, as a signed event that says whose it is', async () => {
    const stream = await b.openStream();
    const own = await a.openStream();
    expect(await call(a, b)).toMatchObject({ status: 200, json: DELIVERED, verified: true });
    expect((await stream.nextOf('call')).payload).toEqual({ public_key: a.publicKey, call: CALL });
    await call(b, a, 'AAAA');
    await own.next();
    expect((await own.next())?.payload).toEqual({ public_key: b.publicKey, call: 'AAAA' });
    for (const each of [stream, own]) each.close();
  });

  it('is not delivered to a peer without a stream, to nobody, and to oneself', async () => {
    const stream = await a.openStream();
    for (const to of [b, server.node(), a]) {
      expect(await call(a, to)).toMatchObject({ status: 200, json: NOT_DELIVERED });
    }
    stream.close();
  });

  it('does not reach a peer that the caller may not see, nor tell whether that is there', async () => {
    const stream = await b.openStream();
    await stream.next();
    vi.spyOn(server.running.app.get<Visibility>(VISIBILITY), 'mayTalk').mockReturnValue(false);
    const [hidden, absent] = [await call(a, b), await call(a, server.node())];
    expect([hidden.status, hidden.json]).toEqual([absent.status, absent.json]);
    vi.restoreAllMocks();
    await call(a, b, 'AAAA');
    expect((await stream.nextOf('call')).payload['call']).toBe('AAAA');
    stream.close();
  });

  it('is refused from who is not registered, and if it is too long or no base64', async () => {
    expect(await call(server.node(), b)).toMatchObject({ status: 404, json: { code: 'unknown-peer' } });
    for (const bad of [encodeBase64(new Uint8Array(516)), 'a?b=', '']) {
      expect(await call(a, b, bad)).toMatchObject({ status: 400, json: { code: 'invalid-body' } });
    }
  });

  it('is limited per pair and per caller', async () => {
    const stream = await b.openStream();
    const statuses = async (count: number, to: TestNode) => {
      const answers = [];
      for (let i = 0; i < count; i++) answers.push((await call(a, to)).status);
      return answers;
    };
    const { burst } = PAIR_CALL_LIMITS;
    expect(await statuses(burst + 1, b)).toEqual([...new Array<number>(burst).fill(200), 429]);
    // Others may still be called, until the caller has used up all of its own.
    expect((await statuses(1, server.node()))[0]).toBe(200);
    const rest = await statuses(2 * NODE_CALL_LIMITS.burst, server.node());
    expect(rest.at(-1)).toBe(429);
    stream.close();
  });
});
