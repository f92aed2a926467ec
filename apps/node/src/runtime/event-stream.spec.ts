import { signEvent, STREAM_KEEPALIVE_MS, type StreamEvent } from '@shadownet/contracts';
import { nodeCrypto } from '@shadownet/crypto';
import { encodeUtf8 } from '@shadownet/primitives';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEventStream } from './event-stream.js';

const VERIFICATION = { crypto: nodeCrypto, key: new Uint8Array(32).fill(7), nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };
const KEEPALIVE = JSON.stringify({ map_version: { epoch: 1, sequence: 1 } });

function keepalive(sequence: number): string {
  const event = { sequence, type: 'keepalive', payload: KEEPALIVE };
  return `data: ${JSON.stringify(signEvent(nodeCrypto, VERIFICATION.key, VERIFICATION.nonce, event))}\n\n`;
}

describe('the event stream', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  function open() {
    const body = new PassThrough();
    const events: StreamEvent[] = [];
    const ended = readEventStream(body, VERIFICATION, { onEvent: (event) => events.push(event) });
    const write = async (text: string): Promise<void> => {
      const before = events.length;
      for (const byte of encodeUtf8(text)) body.write(Uint8Array.of(byte));
      // vi.waitUntil would advance the clock.
      while (events.length === before) await new Promise((resolve) => setImmediate(resolve));
    };
    return { body, events, ended, write };
  }

  it('puts events together from whatever pieces they come in', async () => {
    const { body, events, ended, write } = open();
    await write(keepalive(0));
    await write(keepalive(1));
    body.end();
    await ended;
    expect(events).toHaveLength(2);
  });

  it('lasts as long as something verified comes within twice the keepalive', async () => {
    const { body, events, ended, write } = open();
    for (let sequence = 0; sequence < 5; sequence++) {
      await vi.advanceTimersByTimeAsync(2 * STREAM_KEEPALIVE_MS - 1);
      await write(keepalive(sequence));
    }
    await vi.advanceTimersByTimeAsync(2 * STREAM_KEEPALIVE_MS);
    expect(await ended).toEqual({ kind: 'unreachable', detail: 'the event stream is silent' });
    expect(events).toHaveLength(5);
    expect(body.destroyed).toBe(true);
  });

  it('is not kept alive by what anybody could send', async () => {
    const { body, ended } = open();
    await vi.advanceTimersByTimeAsync(2 * STREAM_KEEPALIVE_MS - 1);
    body.write(': a comment\n\n');
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toEqual({ kind: 'unreachable', detail: 'the event stream is silent' });
  });

  it('ends when an event is repeated', async () => {
    const { body, ended, write } = open();
    await write(keepalive(0));
    body.write(keepalive(0));
    expect(await ended).toEqual({ kind: 'untrusted', detail: 'event-signature-mismatch' });
  });
});
