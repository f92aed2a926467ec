// A recording of a path agent, replayed: the same stimuli at the same times to a new agent on a simulated clock, whose probes are
// answered where and as long as those of the recording were. Keys are thrown-away ones, since a recording holds none. Used by
// `shadownet-node replay` and the simulations.

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
  assertNever,
  type Endpoint,
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

/** Of data that the recording has as one run, the replay is told so often. */
const DATA_STEP = seconds(30);

/** Of data that stayed unanswered until its path was lost, so often. */
const UNANSWERED_DATA_STEP = milliseconds(200);

/**
 * The recording of the replay. One that lacks its beginning is replayed from the first search on that it has. Throws RangeError for
 * one whose endpoints or times are none; the caller has checked their form.
 */
export function replayRecording(recording: Recording, crypto: CryptoProvider, seed = 1): Recording {
  return new Replay(recording, crypto, new SeededRandom(seed)).run();
}

/** Where the recording does not tell when a path died, it was so long before it was given up: a keepalive and its repetitions. */
const LONGEST_UNNOTICED = seconds(14);
const LONGEST_UNNOTICED_WITH_DATA = seconds(3.5);

/** One search of the recording, and what became of its probes, by path. */
interface RecordedSearch {
  readonly at: number;
  readonly runs: Map<string, RecordedRun>;
}

interface RecordedRun {
  readonly run: ProbeRun;
  /** From then on nothing came back; Infinity if that was never noticed. */
  diedAt: number;
}

class Replay {
  readonly #recording: Recording;
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
  #searchedAt = 0;
  /** Requests sent in the search that is under way, by path. */
  readonly #sent = new Map<string, number>();
  readonly #searches: readonly RecordedSearch[];

  constructor(recording: Recording, crypto: CryptoProvider, random: SeededRandom) {
    const { entries } = recording;
    this.#recording = recording;
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
    this.#searches = recordedSearches(entries, (path) => formatPath(this.#pathOf(path)));
    this.#core = {
      pollTimeout: () => this.#agent.pollTimeout(),
      handleTimeout: () => this.#call(() => this.#agent.handleTimeout(this.#network.now, this.#out)),
    };
    this.#network.attach(this.#core);
  }

  run(): Recording {
    const first = this.#entries.findIndex(({ kind }) => kind === 'search');
    const begins = this.#recording.dropped > 0 && first >= 0 ? first : 0;
    if (begins > 0) this.#schedule(this.#entries[first]!.at, () => this.#begin(this.#entries.slice(0, begins)));
    for (const entry of this.#entries.slice(begins)) this.#scheduleEntry(entry);
    const last = Math.max(0, ...this.#entries.map((entry) => (entry.kind === 'data' ? entry.until : entry.at)));
    this.#network.runUntil(addDuration(instant(last), SLACK));
    return this.#agent.recording;
  }

  #schedule(at: number, action: () => void): void {
    this.#network.at(instant(at), () => this.#call(action));
  }

  #scheduleEntry(entry: TimelineEntry): void {
    if (entry.kind === 'data') {
      for (let at = entry.at; at < entry.until; at += DATA_STEP) this.#schedule(at, () => this.#receiveData());
      this.#schedule(entry.until, () => this.#receiveData());
    } else if (entry.kind === 'lost' && entry.reason === 'data-unanswered') {
      const diedAt = Math.max(0, entry.at - LONGEST_UNNOTICED_WITH_DATA);
      for (let at = diedAt; at < entry.at; at += UNANSWERED_DATA_STEP) {
        this.#schedule(at, () => this.#agent.trafficSent(this.#network.now));
      }
    } else {
      this.#schedule(entry.at, () => this.#stimulate(entry));
    }
  }

  /** Tells what was known when a search began whose beginning is lost, and has it begin. */
  #begin(known: readonly TimelineEntry[]): void {
    for (const entry of known) if (entry.kind !== 'nats') this.#stimulate(entry);
    const nats = known.find((entry) => entry.kind === 'nats');
    if (nats) this.#stimulate(nats);
    else this.#agent.start(this.#network.now, this.#out);
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
      case 'data':
      case 'search':
      case 'probes':
      case 'guessing':
      case 'selected':
      case 'lost':
        return;
      default:
        return assertNever(entry);
    }
  }

  /** The candidates that a call had: they are noted just before the NATs. */
  #lastCalled(entry: TimelineEntry): Call['candidates'] {
    const before = this.#entries[this.#entries.indexOf(entry) - 1];
    return before?.kind === 'candidates' && before.source === 'call' ? candidatesOf(before) : [];
  }

  /** Keeps the pair active and says nothing of a direct path: what a direct path is worth, the recorded answers tell. */
  #receiveData(): void {
    this.#agent.trafficReceived(this.#relay, this.#network.now);
  }

  #onSent(bytes: Uint8Array, path: Path): void {
    const decoded = decodeStunMessage(bytes);
    if (!decoded.ok || decoded.message.class !== 'request') return;
    const searchedAt = this.#agent.recording.entries.findLast(({ kind }) => kind === 'search')?.at ?? 0;
    if (searchedAt !== this.#searchedAt) this.#sent.clear();
    this.#searchedAt = searchedAt;
    const key = formatPath(path);
    const count = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, count);
    const { now } = this.#network;
    const recorded = nearestSearch(this.#searches, searchedAt)?.runs.get(key);
    if (!recorded) return;
    const { run, diedAt } = recorded;
    if (run.rtt === null || count < run.firstAnswered || now > diedAt) return;
    const answer = encodeProbeResponse(this.#crypto, this.#peerKeys, decoded.message.transactionId, path, NO_DATA);
    this.#network.at(addDuration(now, milliseconds(run.rtt)), () => this.#call(() => this.#receive(answer, path)));
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
    return path.kind === 'relay' ? this.#relay : { ...udpPath(endpointOf(path.remote)), socket: path.socket };
  }
}

function candidatesOf({ candidates }: TimelineEntry & { kind: 'candidates' }): Call['candidates'] {
  return candidates.map(({ kind, endpoint }) => ({ kind, endpoint: endpointOf(endpoint) }));
}

function endpointOf(text: string): Endpoint {
  const parsed = parseEndpoint(text);
  if (!parsed) throw new RangeError(`${text} is no endpoint`);
  return parsed;
}

function recordedSearches(
  entries: readonly TimelineEntry[],
  keyOf: (path: TimelinePath) => string,
): readonly RecordedSearch[] {
  const searches: RecordedSearch[] = [];
  for (const entry of entries) {
    if (entry.kind === 'probes') searches.at(-1)?.runs.set(keyOf(entry.path), { run: entry, diedAt: Infinity });
    if (entry.kind === 'lost') {
      const lost = searches.at(-1)?.runs.get(keyOf(entry.path));
      if (lost) lost.diedAt = diedAt(lost.run, entry);
    }
    if (entry.kind === 'search') searches.push({ at: entry.at, runs: new Map() });
  }
  return searches;
}

function diedAt({ lastAnsweredAt }: ProbeRun, { at, reason }: TimelineEntry & { kind: 'lost' }): number {
  // Nobody said that it works no more.
  if (reason === 'idle' || reason === 'relay-gone') return Infinity;
  const unnoticed = reason === 'data-unanswered' ? LONGEST_UNNOTICED_WITH_DATA : LONGEST_UNNOTICED;
  return Math.max(lastAnsweredAt ?? 0, at - unnoticed);
}

/** Pauses between searches are jittered: the search of a replay stands for the one of the recording that began about then. */
function nearestSearch(searches: readonly RecordedSearch[], at: number): RecordedSearch | undefined {
  let nearest = searches[0];
  for (const search of searches) if (Math.abs(search.at - at) <= Math.abs(nearest!.at - at)) nearest = search;
  return nearest;
}
