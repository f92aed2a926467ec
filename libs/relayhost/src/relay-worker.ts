// The relay's own thread: the core, the UDP socket, and the WebSockets of the main thread. Started by RelayHost from an entry file
// of the app, which calls `runRelayWorker`.

import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { chooseCryptoProvider, Ed25519Verifier, SipHasher } from '@shadownet/crypto';
import {
  assertNever,
  encodePublicKey,
  type Instant,
  instant,
  parsePublicKey,
  type PublicKey,
} from '@shadownet/primitives';
import {
  type Admission,
  type AdmissionResult,
  readStreamMessage,
  type RelayLink,
  RelayServer,
  type RelayServerOutput,
  type Revocation,
  TicketAdmission,
} from '@shadownet/relay';
import { openRelayUdp } from './best-relay-udp.js';
import { RECEIVE_BYTES } from './linux-relay-udp.js';
import type { RelayUdp } from './relay-udp.js';
import type { FromRelay, RelayWorkerStart, ToRelay } from './worker-messages.js';
import { WorkerStreams } from './worker-streams.js';

/** How often sessions are looked at whose time may be over. */
const TICK_MS = 250;

/** Runs until the main thread says `close`. */
export async function runRelayWorker(): Promise<void> {
  const start = workerData as RelayWorkerStart;
  const post = (message: FromRelay, transfer: ArrayBuffer[] = []): void => parentPort!.postMessage(message, transfer);
  const hasher = new SipHasher(RECEIVE_BYTES);
  let udp: RelayUdp | undefined;
  try {
    udp = start.udp && (await openRelayUdp(start.udp, hasher));
  } catch (error) {
    return post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  const worker = new RelayWorker(start, hasher, udp, post);
  parentPort!.on('message', (message: ToRelay) => worker.handle(message));
  post({ kind: 'listening', udp: udp && { kind: udp.kind, port: udp.port } });
}

class RelayWorker {
  readonly #tickets: TicketAdmission | undefined;
  readonly #admission: MemberAdmission;
  readonly #server: RelayServer;
  readonly #streams: WorkerStreams;
  readonly #tick: NodeJS.Timeout;
  readonly #out: RelayServerOutput;

  constructor(
    private readonly start: RelayWorkerStart,
    hasher: SipHasher,
    private readonly udp: RelayUdp | undefined,
    private readonly post: (message: FromRelay, transfer?: ArrayBuffer[]) => void,
  ) {
    const { provider: crypto } = chooseCryptoProvider();
    const signers = start.ticketKeys.map((publicKey) => ({ publicKey, verifier: new Ed25519Verifier(publicKey) }));
    this.#tickets = signers.length > 0 ? new TicketAdmission(signers, () => Date.now() / 1000) : undefined;
    this.#admission = new MemberAdmission(start.network, this.#tickets);
    this.#server = new RelayServer({
      ...{ crypto, hasher, admission: this.#admission, limits: start.limits },
      random: (length) => Uint8Array.from(randomBytes(length)),
      privateKey: crypto.privateKey(start.privateKey),
    });
    start.privateKey.fill(0);
    this.#streams = new WorkerStreams(post);
    this.#out = {
      send: (bytes, at, length, to) => {
        if (to.kind === 'udp') udp?.send(bytes, at, length, to);
        else this.#streams.send(bytes, at, length, to);
      },
      close: (link) => this.#streams.close(link),
    };
    udp?.start(
      (bytes, at, length, link) => this.#server.handle(bytes, at, length, link, now(), this.#out),
      () => this.#streams.flushAll(),
    );
    this.#tick = setInterval(() => this.#look(), TICK_MS);
  }

  handle(message: ToRelay): void {
    switch (message.kind) {
      case 'admit':
        for (const key of message.keys) this.#admission.add(key);
        break;
      case 'revoke':
        for (const key of message.keys) this.#revoke(key);
        break;
      case 'revoke-tickets':
        for (const revocation of message.revocations) this.#revokeTickets(revocation);
        break;
      case 'stream-open':
        this.#streams.open(message.stream, message.endpoint, now());
        break;
      case 'stream-message':
        this.#takeMessage(message.stream, message.message);
        break;
      case 'stream-sent':
        this.#streams.sent(message.stream, message.bytes);
        break;
      case 'stream-closed': {
        const stream = this.#streams.get(message.stream);
        this.#streams.forget(message.stream);
        if (stream) this.#server.handleClosed(stream);
        break;
      }
      case 'count':
        this.#count();
        break;
      case 'close':
        void this.#close();
        break;
      default:
        assertNever(message);
    }
    this.#streams.flushAll();
  }

  #takeMessage(number: number, message: Uint8Array): void {
    const stream = this.#streams.get(number);
    if (stream) {
      const at = now();
      const take = (frame: number, length: number): void =>
        this.#server.handle(message, frame, length, stream, at, this.#out);
      if (!readStreamMessage(message, take)) this.#drop(stream);
    }
    this.post({ kind: 'stream-taken', stream: number, bytes: message.length });
  }

  #revoke(key: string): void {
    const publicKey = parsePublicKey(key);
    this.#admission.delete(key);
    if (publicKey) this.#server.revoke(this.start.network, publicKey, this.#out);
  }

  /** Once only: whoever shows an old revocation again ends no session that a newer ticket has begun. */
  #revokeTickets(revocation: Revocation): void {
    if (this.#tickets?.revoke(revocation)) this.#server.revoke(revocation.network, revocation.node, this.#out);
  }

  #look(): void {
    const at = now();
    this.#server.handleTimeout(at, this.#out);
    for (const stream of this.#streams.unproved(at, (link) => this.#server.hasSession(link))) this.#drop(stream);
    this.#streams.flushAll();
  }

  #drop(link: RelayLink): void {
    this.#server.handleClosed(link);
    this.#streams.close(link);
  }

  #count(): void {
    this.post({
      kind: 'counted',
      counters: {
        clients: this.#server.clients,
        streams: this.#streams.size,
        core: this.#server.counters,
        udp: this.udp?.counters,
        slowReceiver: this.#streams.slowReceiver,
      },
    });
  }

  async #close(): Promise<void> {
    clearInterval(this.#tick);
    this.#server.close(this.#out);
    this.#streams.flushAll();
    await this.udp?.close();
    this.post({ kind: 'closed' });
    parentPort!.close();
  }
}

/** Those whom the main thread has named, and whoever has a ticket. */
class MemberAdmission implements Admission {
  readonly #members = new Set<string>();

  constructor(
    private readonly network: string,
    private readonly tickets: Admission | undefined,
  ) {}

  add(key: string): void {
    this.#members.add(key);
  }

  delete(key: string): void {
    this.#members.delete(key);
  }

  admit(client: PublicKey, ticket: Uint8Array, at: Instant): AdmissionResult {
    if (this.#members.has(encodePublicKey(client))) return { ok: true, network: this.network };
    return this.tickets?.admit(client, ticket, at) ?? { ok: false, reason: 'unknown-key' };
  }
}

function now(): Instant {
  return instant(performance.now());
}
