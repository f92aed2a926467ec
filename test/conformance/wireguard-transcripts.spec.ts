// Whole handshakes of others, byte for byte: a golden transcript computed from the whitepaper, and real kernel traffic whose
// private keys are known. Each end is a Device that is given the recorded ephemeral key, index and timestamp.

import { existsSync, readFileSync } from 'node:fs';
import { nobleCrypto, nodeCrypto, type CryptoProvider } from '@shadownet/crypto';
import {
  decodeHex,
  encodeHex,
  instant,
  parseEndpoint,
  parseIpPrefix,
  publicKeyFromBytes,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import { Device, type DeviceOutput } from '@shadownet/wireguard';
import { describe, expect, it } from 'vitest';

interface Transcript {
  readonly name: string;
  readonly initiatorPrivate: string;
  readonly initiatorPublic: string;
  readonly responderPrivate: string;
  readonly responderPublic: string;
  readonly presharedKey: string;
  readonly initiatorEphemeral: string;
  readonly responderEphemeral: string;
  readonly timestamp: string;
  readonly initiation: string;
  readonly response: string;
  /** After the handshake, in order: who receives it, and the packet inside (empty for a keepalive). */
  readonly transport: readonly {
    readonly to: 'initiator' | 'responder';
    readonly message: string;
    readonly packet: string;
  }[];
}

const VECTORS = new URL('../../../shared/vectors/', import.meta.url);
const transcripts = [...readWagyu(), ...readWireshark()];
const NOW = instant(0);
const INITIATOR_PATH = udpPath(parseEndpoint('192.0.2.1:1')!);
const RESPONDER_PATH = udpPath(parseEndpoint('192.0.2.2:2')!);

describe.each([nodeCrypto, nobleCrypto])('WireGuard transcripts with the $name provider', (crypto) => {
  it.skipIf(transcripts.length === 0)('are there (the folder ../shared/vectors)', () => {
    expect(transcripts).toHaveLength(5);
  });

  it.each(transcripts)('$name: the initiator says the same and understands the rest', (transcript) => {
    const end = new RecordedEnd(crypto, transcript, 'initiator');
    end.device.initiateHandshake(end.remoteKey, NOW, end);
    expect(end.sent).toEqual([transcript.initiation]);
    expect(end.receive(transcript.response)).toMatchObject({ ok: true, kind: 'response' });
    expectPackets(end, transcript, 'initiator');
  });

  it.each(transcripts)('$name: the responder answers the same and understands the rest', (transcript) => {
    const end = new RecordedEnd(crypto, transcript, 'responder');
    expect(end.receive(transcript.initiation)).toMatchObject({ ok: true, kind: 'initiation' });
    expect(end.sent).toEqual([transcript.response]);
    expectPackets(end, transcript, 'responder');
  });

  it.each(transcripts)('$name: the response means nothing with another preshared key', (transcript) => {
    const end = new RecordedEnd(crypto, { ...transcript, presharedKey: '01'.repeat(32) }, 'initiator');
    end.device.initiateHandshake(end.remoteKey, NOW, end);
    expect(end.receive(transcript.response)).toEqual({ ok: false, reason: 'invalid-handshake' });
  });
});

it.skipIf(transcripts.length === 0)('The initiator confirms the session with the golden keepalive', () => {
  const transcript = readWagyu()[0]!;
  const end = new RecordedEnd(nodeCrypto, transcript, 'initiator');
  end.device.initiateHandshake(end.remoteKey, NOW, end);
  end.receive(transcript.response);
  expect(end.sent[1]).toBe(transcript.transport[0]!.message);
});

class RecordedEnd implements DeviceOutput {
  readonly device: Device;
  readonly remoteKey;
  readonly sent: string[] = [];
  readonly packets: string[] = [];
  readonly #remotePath;

  constructor(crypto: CryptoProvider, transcript: Transcript, role: 'initiator' | 'responder') {
    const isInitiator = role === 'initiator';
    const ephemeral = isInitiator ? transcript.initiatorEphemeral : transcript.responderEphemeral;
    const ownMessage = isInitiator ? transcript.initiation : transcript.response;
    const byLength: Record<number, Uint8Array> = {
      2: new Uint8Array(2),
      4: bytes(ownMessage).subarray(4, 8),
      32: bytes(ephemeral),
    };
    this.device = new Device({
      crypto,
      random: (length) => Uint8Array.from(byLength[length]!),
      timestamps: { next: () => bytes(transcript.timestamp) },
      endpoints: 'roaming',
      maxPeers: 1,
    });
    this.#remotePath = isInitiator ? RESPONDER_PATH : INITIATOR_PATH;
    this.remoteKey = publicKeyFromBytes(bytes(isInitiator ? transcript.responderPublic : transcript.initiatorPublic))!;
    this.device.setPrivateKey(bytes(isInitiator ? transcript.initiatorPrivate : transcript.responderPrivate), NOW);
    this.device.upsertPeer(
      {
        publicKey: this.remoteKey,
        presharedKey: Secret.own(bytes(transcript.presharedKey)),
        allowedIps: [parseIpPrefix('0.0.0.0/0')!],
        path: this.#remotePath,
      },
      NOW,
      this,
    );
  }

  receive(message: string): ReturnType<Device['handleDatagram']> {
    return this.device.handleDatagram(bytes(message), this.#remotePath, NOW, this);
  }

  datagram(message: Uint8Array): void {
    this.sent.push(encodeHex(message));
  }

  packet(packet: Uint8Array): void {
    this.packets.push(encodeHex(packet));
  }
}

function expectPackets(end: RecordedEnd, transcript: Transcript, to: 'initiator' | 'responder'): void {
  const messages = transcript.transport.filter((message) => message.to === to);
  for (const { message, packet } of messages) {
    expect(end.receive(message)).toMatchObject({ ok: true, kind: packet === '' ? 'keepalive' : 'data' });
  }
  // The recorded plaintext has its padding, the delivered packet has not.
  const expected = messages.filter(({ packet }) => packet !== '').map(({ packet }) => packet);
  expect(end.packets).toHaveLength(expected.length);
  end.packets.forEach((packet, i) => {
    expect(expected[i]!.startsWith(packet)).toBe(true);
    expect(packet).toHaveLength(2 * Number.parseInt(packet.slice(4, 8), 16));
  });
}

interface WagyuVector {
  readonly initiator_private: string;
  readonly initiator_public: string;
  readonly initiator_ephemeral_private: string;
  readonly responder_private: string;
  readonly responder_public: string;
  readonly responder_ephemeral_private: string;
  readonly preshared_key: string;
  readonly timestamp: string;
  readonly initiation: string;
  readonly response: string;
  readonly initiator_keepalive: string;
  readonly responder_keepalive: string;
}

function readWagyu(): Transcript[] {
  if (!existsSync(VECTORS)) return [];
  return readJson<{ vectors: WagyuVector[] }>('wg_handshake_wagyu.json').vectors.map((vector) => ({
    name: 'wagyu',
    initiatorPrivate: vector.initiator_private,
    initiatorPublic: vector.initiator_public,
    responderPrivate: vector.responder_private,
    responderPublic: vector.responder_public,
    presharedKey: vector.preshared_key,
    initiatorEphemeral: vector.initiator_ephemeral_private,
    responderEphemeral: vector.responder_ephemeral_private,
    timestamp: vector.timestamp,
    initiation: vector.initiation,
    response: vector.response,
    transport: [
      { to: 'responder', message: vector.initiator_keepalive, packet: '' },
      { to: 'initiator', message: vector.responder_keepalive, packet: '' },
    ],
  }));
}

interface WiresharkFile {
  readonly keys: Readonly<Record<string, string>>;
  readonly handshakes: readonly {
    readonly capture: string;
    readonly initiator: 'A' | 'B';
    readonly eph_i: string;
    readonly eph_r: string;
    readonly psk: string;
    readonly timestamp: string;
    readonly initiation: { readonly hex: string };
    readonly response: { readonly hex: string };
    readonly transport: readonly { readonly hex: string; readonly plaintext: string }[];
  }[];
}

function readWireshark(): Transcript[] {
  if (!existsSync(VECTORS)) return [];
  const { keys, handshakes } = readJson<WiresharkFile>('wg_handshake_wireshark.json');
  return handshakes.map((handshake, i) => {
    const [initiator, responder] = handshake.initiator === 'A' ? ['A', 'B'] : ['B', 'A'];
    const index = (message: string): string => message.slice(8, 16);
    const initiatorIndex = index(handshake.initiation.hex);
    const responderIndex = index(handshake.response.hex);
    // A capture also holds packets that were still sent under the session before.
    const inSession = handshake.transport.filter(({ hex }) => [initiatorIndex, responderIndex].includes(index(hex)));
    return {
      name: `${handshake.capture} ${i + 1}`,
      initiatorPrivate: keys[`${initiator}_private`]!,
      initiatorPublic: keys[`${initiator}_public`]!,
      responderPrivate: keys[`${responder}_private`]!,
      responderPublic: keys[`${responder}_public`]!,
      presharedKey: handshake.psk,
      initiatorEphemeral: handshake.eph_i,
      responderEphemeral: handshake.eph_r,
      timestamp: handshake.timestamp,
      initiation: handshake.initiation.hex,
      response: handshake.response.hex,
      transport: inSession.map(({ hex, plaintext }) => ({
        to: index(hex) === initiatorIndex ? 'initiator' : 'responder',
        message: hex,
        packet: plaintext,
      })),
    };
  });
}

function readJson<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(name, VECTORS), 'utf8')) as Content;
}

function bytes(hex: string): Uint8Array {
  return decodeHex(hex)!;
}
