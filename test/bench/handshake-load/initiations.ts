// The load of the handshake case: valid initiations from many peers, made ahead of time, so that what is measured is the responder
// and not whoever calls it. Made once and sent to every contender alike.
import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { instant, parseEndpoint, type PublicKey, publicKeyFromBytes, udpPath } from '@shadownet/primitives';
import { Device, type DeviceOutput, Tai64nSource } from '@shadownet/wireguard';
import { type KeyPair, newKeyPair } from '../tunnel-end.js';

export interface HandshakeLoad {
  readonly responder: KeyPair;
  readonly callers: readonly Uint8Array[];
  /** Message number i is from caller i modulo their number, later ones with later timestamps. 148 bytes each. */
  readonly initiations: readonly Uint8Array[];
}

/** The path matters to nobody: the sender of the messages decides where they go. */
const PATH = udpPath(parseEndpoint('192.0.2.1:51820')!);

export function makeHandshakeLoad(callerCount: number, rounds: number): HandshakeLoad {
  const responder = newKeyPair();
  const callers = Array.from({ length: callerCount }, () => new Caller(responder.publicKey));
  const initiations: Uint8Array[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const caller of callers) initiations.push(caller.initiate());
  }
  return { responder, callers: callers.map(({ keys }) => keys.publicKey), initiations };
}

/** A device whose initiations nobody answers, on a clock of its own: whenever it is due for another attempt, it is that late. */
class Caller {
  readonly keys = newKeyPair();
  readonly #responder: PublicKey;
  readonly #device: Device;
  #now = instant(0);
  #initiation: Uint8Array | undefined;
  readonly #out: DeviceOutput = {
    datagram: (bytes) => (this.#initiation = bytes.slice()),
    packet: () => undefined,
  };

  constructor(responder: Uint8Array) {
    this.#responder = publicKeyFromBytes(responder)!;
    this.#device = new Device({
      crypto: nodeCrypto,
      random: (length) => randomBytes(length),
      timestamps: new Tai64nSource({
        wallNanoseconds: () => BigInt(Date.now()) * 1_000_000n,
        lastReserved: 0n,
        reserve: () => undefined,
      }),
      endpoints: 'external',
      maxPeers: 1,
    });
    this.#device.setPrivateKey(this.keys.privateKey, this.#now);
    this.#device.upsertPeer({ publicKey: this.#responder, allowedIps: [], path: PATH }, this.#now, this.#out);
  }

  initiate(): Uint8Array {
    this.#initiation = undefined;
    this.#device.initiateHandshake(this.#responder, this.#now, this.#out);
    while (this.#initiation === undefined) this.#advance();
    return this.#initiation;
  }

  #advance(): void {
    const wakeup = this.#device.pollTimeout();
    if (wakeup === undefined) throw new Error('the device would never send another initiation');
    this.#now = wakeup.at;
    this.#device.handleTimeout(this.#now, this.#out);
  }
}
