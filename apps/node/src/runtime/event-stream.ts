// One event stream of the control server (server-sent events): envelopes are numbered and signed one by one, and the first
// that does not fit ends the stream.

import {
  STREAM_KEEPALIVE_MS,
  streamEnvelopeSchema,
  type StreamEvent,
  streamEventSchema,
  verifyEvent,
} from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import { createParser } from 'eventsource-parser';
import type { ControlFailure } from './control-failure.js';
import { describeTransportError } from './transport-error.js';

export interface EventStream {
  /** A verified event, in order. */
  onEvent(event: StreamEvent): void;
}

/** What binds the events to this stream. */
export interface EventVerification {
  readonly crypto: CryptoProvider;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** The nonce of the request that opened the stream. */
  readonly nonce: string;
}

/** Characters of the longest event: a map of 65,535 peers. */
const MAX_EVENT_LENGTH = 128 * 1024 * 1024;

/** Reads until the body ends, an event fails, or nothing verified came for twice the server's keepalive. */
export async function readEventStream(
  body: AsyncIterable<Uint8Array> & { destroy(): unknown },
  verification: EventVerification,
  stream: EventStream,
): Promise<ControlFailure> {
  let failure: ControlFailure | undefined;
  let sequence = 0;
  let waiting = 0;
  const fail = (reason: ControlFailure): void => {
    failure ??= reason;
    body.destroy();
  };
  const silence = setTimeout(() => {
    fail({ kind: 'unreachable', detail: 'the event stream is silent' });
  }, 2 * STREAM_KEEPALIVE_MS);
  const parser = createParser({
    onEvent: ({ data }) => {
      waiting = 0;
      if (failure) return;
      const opened = openEnvelope(data, sequence, verification);
      if (!opened.ok) return fail({ kind: 'untrusted', detail: opened.reason });
      sequence++;
      silence.refresh();
      if (opened.event) stream.onEvent(opened.event);
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const bytes of body) {
      waiting += bytes.length;
      if (waiting > MAX_EVENT_LENGTH) fail({ kind: 'malformed', detail: 'an event is too long' });
      parser.feed(decoder.decode(bytes, { stream: true }));
      if (failure) break;
    }
    failure ??= { kind: 'unreachable', detail: 'the event stream was closed' };
  } catch (error) {
    failure ??= { kind: 'unreachable', detail: describeTransportError(error) };
  } finally {
    clearTimeout(silence);
  }
  return failure;
}

/** The event within; `undefined` for an authentic one of a type that this version does not know. */
function openEnvelope(
  data: string,
  sequence: number,
  { crypto, key, nonce }: EventVerification,
): { ok: true; event: StreamEvent | undefined } | { ok: false; reason: string } {
  const envelope = streamEnvelopeSchema.safeParse(parseJson(data));
  if (!envelope.success) return { ok: false, reason: 'event-malformed' };
  if (!verifyEvent(crypto, key, nonce, sequence, envelope.data))
    return { ok: false, reason: 'event-signature-mismatch' };
  const { type, payload } = envelope.data;
  const event = streamEventSchema.safeParse({ type, payload: parseJson(payload) });
  return { ok: true, event: event.success ? event.data : undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
