// What control server and node read from each other: JSON bodies by the schemas of libs/contracts, and the headers that sign them.
import { nodeCrypto } from '@shadownet/crypto';
import {
  goodbyeRequestSchema,
  heartbeatRequestSchema,
  heartbeatResponseSchema,
  networkMapSchema,
  overviewSchema,
  problemSchema,
  readRequestSignature,
  registerRequestSchema,
  registerResponseSchema,
  serverInfoSchema,
  streamEnvelopeSchema,
  streamEventSchema,
  verifyEvent,
  verifyRequest,
} from '@shadownet/contracts';
import type { FuzzTarget } from '../fuzz-target.js';

const KEY = new Uint8Array(32).fill(9);
const REQUEST = { method: 'POST', path: '/api/v1/register', query: '?', body: new Uint8Array(0) };

const SCHEMAS = {
  goodbyeRequestSchema,
  heartbeatRequestSchema,
  heartbeatResponseSchema,
  networkMapSchema,
  overviewSchema,
  problemSchema,
  registerRequestSchema,
  registerResponseSchema,
  serverInfoSchema,
  streamEnvelopeSchema,
  streamEventSchema,
};

export const controlMessage: FuzzTarget = {
  name: 'control-message',
  inputs: 10_000,
  maxLength: 4000,
  start() {
    return {
      examples: () => [],
      feed(input) {
        const text = new TextDecoder().decode(input);
        feedHeaders(text);
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          return;
        }
        for (const [name, schema] of Object.entries(SCHEMAS)) {
          const parsed = schema.safeParse(value);
          if (!parsed.success) continue;
          // What passed is canonical: it passes again, and is the same then.
          const canonical = JSON.stringify(parsed.data);
          const again = schema.safeParse(JSON.parse(canonical));
          if (!again.success) throw new Error(`${name} refuses what it made itself`);
          if (JSON.stringify(again.data) !== canonical) throw new Error(`${name} makes something else of it each time`);
        }
        const envelope = streamEnvelopeSchema.safeParse(value);
        if (envelope.success && verifyEvent(nodeCrypto, KEY, 'nonce', 0, envelope.data))
          throw new Error('a forged event');
      },
    };
  },
};

function feedHeaders(text: string): void {
  const [input = '', signature = '', digest = ''] = text.split('\n');
  const headers = { 'signature-input': input, signature, 'content-digest': digest };
  readRequestSignature(headers);
  if (verifyRequest(nodeCrypto, KEY, REQUEST, headers).ok) throw new Error('a forged request');
}
