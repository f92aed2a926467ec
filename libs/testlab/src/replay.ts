// A recording of a path agent, replayed: the same stimuli at the same times to a new agent on a simulated clock, whose probes are
// answered where those of the recording were. Keys are thrown-away ones, since a recording holds none.

import { type CryptoProvider, generatePrivateKey } from '@shadownet/crypto';
import {
  type Call,
  deriveProbeKeys,
  encodeCall,
  encodeCallMessage,
  encodeProbeRequest,
  encodeProbeResponse,
  PathAgent,
  type ProbeRun,
  type Recording,
  type TimelineEntry,
  type TimelinePath,
  UNKNOWN_NAT,
} from '@shadownet/paths';
import {
  addDuration,
  formatPath,
  instant,
  milliseconds,
  parseEndpoint,
  type Path,
  publicKeyFromBytes,
  relayPath,
  seconds,
  udpPath,
} from '@shadownet/primitives';
import { decodeStunMessage, TRANSACTION_ID_BYTES } from '@shadownet/stun';
import { SeededRandom } from './seeded-random.js';
import { SimulatedNetwork } from './simulated-network.js';

const RELAY = 'relay';
const NO_DATA = { packets: 0, largestBytes: 0 };

/** Rounds of probes are jittered: what came of them may come a little later than it did. */
const SLACK = seconds(2);

/** Numbers of its own for the sockets that a guessing agent asks for. */
const FIRST_EXTRA_SOCKET = 1;

/** The recording of the replay. Throws RangeError for one that lacks its beginning. */
export function replayRecording(recording: Recording, crypto: CryptoProvider, seed = 1): Recording {
  if (recording.dropped > 0) throw new RangeError('the recording lacks its beginning');
  return new Replay(recording, crypto, new SeededRandom(seed)).run();
}

class Replay {
  readonly #entries: readonly TimelineEntry[];
  readonly #crypto: CryptoProvider;
  readonly #random: SeededRandom;
  readonly #network: SimulatedNetwork;
  readonly #agent: PathAgent;
  readonly #peerKeys;
  readonly #relay;
  readonly #core;
  readonly #out = { datagram: (bytes: Uint8Array, path: Path): void => this.#onSent(bytes, path) };
  #ownCall: Call = { candidates: [], nat: UNKNOWN_NAT };
  #peerCounter = 1n;
  #searches = 0;
  /** Requests sent in the search that is under way, by path. */
  readonly #sent = new Map<string, number>();
  /** Of each search of the recording, what became of its probes, by path. */
  readonly #runs: readonly Map<string, ProbeRun>[];

  constructor({ entries }: Recording, crypto: CryptoProvider, random: SeededRandom) {
    this.#entries = entries;
    this.#crypto = crypto;
    this.#random = random;
    this.#network = new SimulatedNetwork(random, { recording: false });
    const [local, peer] = [0, 1].map(() => crypto.privateKey(generatePrivateKey(random.bytes)));
    const [localPublicKey, remotePublicKey] = [local!, peer!].map(({ publicKey }) => publicKeyFromBytes(publicKey)!);
    this.#peerKeys = deriveProbeKeys(crypto, peer!, localPublicKey!)!;
    this.#relay = relayPath(RELAY, remotePublicKey!);
    this.#agent = new PathAgent({
      random: random.bytes,
      crypto,
      keys: deriveProbeKeys(crypto, local!, remotePublicKey!)!,
      localPublicKey: localPublicKey!,
      remotePublicKey: remotePublicKey!,
      firstCounter: 1n,
      ownCall: () => this.#ownCall,
      guessing: entries.some(({ kind }) => kind === 'guessing'),
    });
    this.#runs = runsBySearch(entries, (path) => formatPath(this.#pathOf(path)));
    this.#core = {
      pollTimeout: () => this.#agent.pollTimeout(),
      handleTimeout: () => this.#call(() => this.#agent.handleTimeout(this.#network.now, this.#out)),
    };
    this.#network.attach(this.#core);
  }

  run(): Recording {
    for (const entry of this.#entries) {
      this.#network.at(instant(entry.at), () => this.#call(() => this.#stimulate(entry)));
    }
    const last = this.#entries.at(-1)?.at ?? 0;
    this.#network.runUntil(addDuration(instant(last), SLACK));
    return this.#agent.recording;
  }

  /** What the recording has of the world; what it has of the agent is its own to find again. */
  #stimulate(entry: TimelineEntry): void {
    const { now } = this.#network;
    switch (entry.kind) {
      case 'relay':
        return this.#agent.setRelay(entry.isThere ? this.#relay : undefined, now);
      case 'candidates':
        if (entry.source === 'map') this.#agent.setRemoteCandidates(candidatesOf(entry), now, this.#out);
        return;
      case 'nats':
        this.#ownCall = { candidates: [], nat: entry.local };
        return this.#receiveCall({ candidates: this.#lastCalled(entry), nat: entry.remote });
      case 'command':
        if (entry.command === 'start') return this.#agent.start(now, this.#out);
        return entry.command === 'stop' ? this.#agent.stop(now) : this.#agent.trafficSent(now);
      case 'heard':
        return this.#receiveRequest(this.#pathOf(entry.path));
      case 'search':
      case 'probes':
      case 'guessing':
      case 'selected':
      case 'lost':
        return;
    }
  }

  /** The candidates that a call had: they are noted just before the NATs. */
  #lastCalled(entry: TimelineEntry): Call['candidates'] {
    const before = this.#entries[this.#entries.indexOf(entry) - 1];
    return before?.kind === 'candidates' && before.source === 'call' ? candidatesOf(before) : [];
  }

  #onSent(bytes: Uint8Array, path: Path): void {
    const decoded = decodeStunMessage(bytes);
    if (!decoded.ok || decoded.message.class !== 'request') return;
    const searches = this.#agent.recording.entries.filter(({ kind }) => kind === 'search').length;
    if (searches !== this.#searches) this.#sent.clear();
    this.#searches = searches;
    const key = formatPath(path);
    const count = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, count);
    const run = this.#runs[Math.min(searches, this.#runs.length) - 1]?.get(key);
    if (!run || run.rtt === null || count < run.firstAnswered) return;
    const answer = encodeProbeResponse(this.#crypto, this.#peerKeys, decoded.message.transactionId, path, NO_DATA);
    const at = addDuration(this.#network.now, milliseconds(run.rtt));
    this.#network.at(at, () => this.#call(() => this.#receive(answer, path)));
  }

  #receiveCall(call: Call): void {
    const transaction = this.#random.bytes(TRANSACTION_ID_BYTES);
    const counter = this.#peerCounter++;
    this.#receive(encodeCallMessage(this.#crypto, this.#peerKeys, transaction, counter, encodeCall(call)), this.#relay);
  }

  #receiveRequest(path: Path): void {
    const transaction = this.#random.bytes(TRANSACTION_ID_BYTES);
    this.#receive(encodeProbeRequest(this.#crypto, this.#peerKeys, transaction, this.#peerCounter++), path);
  }

  #receive(datagram: Uint8Array, path: Path): void {
    const decoded = decodeStunMessage(datagram);
    if (decoded.ok) this.#agent.handleProbe(decoded.message, datagram, path, this.#network.now, this.#out);
  }

  #call(action: () => void): void {
    action();
    for (let event = this.#agent.pollEvent(); event; event = this.#agent.pollEvent()) {
      if (event.kind === 'sockets-wanted') {
        const sockets = Array.from({ length: event.count }, (_, i) => FIRST_EXTRA_SOCKET + i);
        this.#agent.useSockets(sockets, this.#network.now);
      }
    }
    this.#network.reschedule(this.#core);
  }

  #pathOf(path: TimelinePath): Path {
    return path.kind === 'relay' ? this.#relay : { ...udpPath(parseEndpoint(path.remote)!), socket: path.socket };
  }
}

function candidatesOf({ candidates }: TimelineEntry & { kind: 'candidates' }): Call['candidates'] {
  return candidates.map(({ kind, endpoint }) => ({ kind, endpoint: parseEndpoint(endpoint)! }));
}

function runsBySearch(
  entries: readonly TimelineEntry[],
  keyOf: (path: TimelinePath) => string,
): readonly Map<string, ProbeRun>[] {
  const runs: Map<string, ProbeRun>[] = [];
  for (const entry of entries) {
    if (entry.kind === 'search') runs.push(new Map());
    if (entry.kind === 'probes') runs.at(-1)?.set(keyOf(entry.path), entry);
  }
  return runs;
}
