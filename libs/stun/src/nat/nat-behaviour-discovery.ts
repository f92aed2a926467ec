// Finds out what the NAT in front of a host does, by RFC 5780's tests (§3, §4) from sockets that nothing else uses: each test
// depends on what its socket has sent before. Sans-IO; for one address family. What it finds are samples, not verdicts.
//
//   socket 0      asks the given servers, and in the end the other address of one: does the mapping depend on the destination?
//   socket 1      asks one server, then for answers from elsewhere: what does the NAT let in?
//   sockets 2, 3  ask one server, then send to each other's mapped endpoints: does the NAT hairpin?
//   sockets 4…    one per silence to be tested: ask for an answer after it, and wait. Is the mapping still there?
//
// All that is sent goes to the given servers, to the other address that one of them names (of the same family and scope), and
// to the host's own mapped endpoints.

import {
  addDuration,
  assertNever,
  bytesEqual,
  type Duration,
  earliestWakeup,
  type Endpoint,
  endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  ipAddressesEqual,
  ipAddressScope,
  milliseconds,
  type Wakeup,
} from '@shadownet/primitives';
import { decodeStunMessage } from '../decoder.js';
import { encodeStunMessage, type StunMessageContent } from '../encoder.js';
import type { Hmac } from '../message-integrity.js';
import {
  findAttribute,
  mappedEndpoint,
  type StunContentAttribute,
  type StunMessage,
  unknownRequiredTypes,
} from '../stun-message.js';
import { type RetransmissionSchedule, type StunRequest, StunTransaction } from '../stun-transaction.js';
import { TRANSACTION_ID_BYTES } from '../wire-format.js';
import type { NatSample } from './nat-sample.js';

export interface NatTestServer {
  readonly endpoint: Endpoint;
  /** Known to answer CHANGE-REQUEST for the port, though it names no other address: a control server of ours does. */
  readonly changesPort: boolean;
}

export interface LifetimeTests {
  /** One socket each, more than the four that the other tests need. */
  readonly idle: readonly Duration[];
  /** What the servers know the asker by (answer-again.ts): 16 bytes, 32 bytes. */
  readonly id: Uint8Array;
  readonly key: Uint8Array;
  readonly hmac: Hmac;
}

export interface NatBehaviourDiscoveryOptions {
  /** So many unpredictable bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Of one family. The first eight count. */
  readonly servers: readonly NatTestServer[];
  /** The ports of the caller's sockets, all of that family and fresh: `natTestSockets()` of them. */
  readonly localPorts: readonly number[];
  readonly lifetime?: LifetimeTests;
}

export interface NatTestOutput {
  /** A datagram to be sent from the socket of this index. The bytes must not be changed: they may be sent again. */
  datagram(bytes: Uint8Array, to: Endpoint, socket: number): void;
}

/** Sendings at 0, 250, 750, 1750 ms, end at 2750 ms: a person waits for the result, and silence is one of the findings. */
export const NAT_TEST_SCHEDULE: RetransmissionSchedule = {
  initialTimeout: milliseconds(250),
  transmissions: 4,
  finalWaitFactor: 4,
};

/** How much later than expected a second answer may come. */
const LATE_ANSWER = milliseconds(2000);

const MAPPING_SOCKET = 0;
const FILTERING_SOCKET = 1;
const HAIRPIN_SOCKETS = [2, 3] as const;
const FIRST_LIFETIME_SOCKET = 4;
const MAX_SERVERS = 8;

/** So much longer than its answer is a request that wants it from elsewhere, or the server refuses (BindingServer). */
const CHANGE_PADDING_BYTES = 40;

/** How many sockets a discovery needs. */
export function natTestSockets(lifetimeTests = 0): number {
  return FIRST_LIFETIME_SOCKET + lifetimeTests;
}

type Outcome =
  | { readonly kind: 'answer'; readonly message: StunMessage; readonly from: Endpoint; readonly rtt: Duration }
  | { readonly kind: 'silence' };

/** A request under way, or the wait for what it has set off. */
type Question =
  | {
      readonly kind: 'request';
      readonly socket: number;
      readonly transactionId: Uint8Array;
      readonly transaction: StunTransaction;
      /** The request itself shall arrive at this socket of ours. */
      readonly arrivesAt?: number;
      readonly conclude: (outcome: Outcome, now: Instant) => void;
    }
  | {
      readonly kind: 'second-answer';
      readonly socket: number;
      readonly transactionId: Uint8Array;
      readonly from: Endpoint;
      readonly idle: Duration;
      readonly until: Instant;
    };

interface ServerFinding {
  readonly server: NatTestServer;
  answer: 'awaited' | 'none' | { readonly other: Endpoint | undefined };
}

export class NatBehaviourDiscovery {
  readonly #options: NatBehaviourDiscoveryOptions;
  readonly #findings: ServerFinding[];
  readonly #samples: NatSample[] = [];
  readonly #hairpinEndpoints = new Map<number, Endpoint>();
  #questions: Question[] = [];
  #nextOrder = 0;
  /** The server of the tests that need one only, once it is chosen. */
  #reference: ServerFinding | undefined;
  #started = false;

  /** Throws RangeError if sockets are missing. */
  constructor(options: NatBehaviourDiscoveryOptions) {
    const needed = natTestSockets(options.lifetime?.idle.length);
    if (options.localPorts.length < needed) throw new RangeError(`${options.localPorts.length} of ${needed} sockets`);
    this.#options = options;
    const distinct = new Map(options.servers.map((server) => [formatEndpoint(server.endpoint), server]));
    this.#findings = [...distinct.values()].slice(0, MAX_SERVERS).map((server) => ({ server, answer: 'awaited' }));
  }

  start(now: Instant, out: NatTestOutput): void {
    this.#started = true;
    for (const finding of this.#findings) {
      this.#askForMapping(MAPPING_SOCKET, finding.server.endpoint, now, (message) => {
        finding.answer = message ? { other: otherAddressIn(message, finding.server.endpoint) } : 'none';
        this.#chooseReference(now);
      });
    }
    this.handleTimeout(now, out);
  }

  /** True as soon as nothing is under way any more. */
  get finished(): boolean {
    return this.#started && this.#questions.length === 0;
  }

  /** What was found until now. */
  get samples(): readonly NatSample[] {
    return this.#samples;
  }

  /** A datagram that came to the socket of this index. True if it was an answer to us; whatever else is ignored. */
  handleDatagram(datagram: Uint8Array, from: Endpoint, socket: number, now: Instant, out: NatTestOutput): boolean {
    const decoded = decodeStunMessage(datagram);
    const ours = decoded.ok && this.#handleMessage(decoded.message, from, socket, now);
    if (ours) this.handleTimeout(now, out);
    return ours;
  }

  handleTimeout(now: Instant, out: NatTestOutput): void {
    // Conclusions may add questions, whose first requests leave at once, too.
    for (let looked = new Set<Question>(), more = true; more;) {
      more = false;
      for (const question of [...this.#questions]) {
        if (looked.has(question)) continue;
        looked.add(question);
        more = true;
        this.#handleQuestionTimeout(question, now, out);
      }
    }
  }

  pollTimeout(): Wakeup | undefined {
    return earliestWakeup(
      ...this.#questions.map((question): Wakeup | undefined => {
        switch (question.kind) {
          case 'request':
            return question.transaction.pollTimeout();
          case 'second-answer':
            return { at: question.until, reason: `nat test: no answer after a silence of ${question.idle} ms` };
          default:
            return assertNever(question);
        }
      }),
    );
  }

  // ── The tests ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A server that answers and does RFC 5780's tests; any other only if there is none like that. */
  #chooseReference(now: Instant): void {
    if (this.#reference) return;
    const answered = this.#findings.filter(({ answer }) => typeof answer === 'object');
    const allKnown = this.#findings.every(({ answer }) => answer !== 'awaited');
    this.#reference =
      answered.find(({ answer }) => typeof answer === 'object' && answer.other !== undefined) ??
      answered.find(({ server }) => server.changesPort) ??
      (allKnown ? answered[0] : undefined);
    if (this.#reference) this.#testWith(this.#reference, now);
  }

  #testWith({ server, answer }: ServerFinding, now: Instant): void {
    const other = typeof answer === 'object' ? answer.other : undefined;
    // Some NATs let in whoever any socket of the host has sent to: nothing goes to the other address before the filter is known.
    const afterwards = (at: Instant): void => {
      if (other) this.#testMapping(server.endpoint, other, at);
    };
    if (other || server.changesPort) this.#testFiltering(server.endpoint, other, now, afterwards);
    this.#testHairpin(server.endpoint, now);
    this.#testLifetime(server.endpoint, now);
  }

  /** RFC 5780 §4.3: the other three combinations of the server's addresses and ports. */
  #testMapping(first: Endpoint, other: Endpoint, now: Instant): void {
    for (const destination of [endpoint(first.address, other.port), endpoint(other.address, first.port), other]) {
      if (this.#findings.some(({ server }) => endpointsEqual(server.endpoint, destination))) continue;
      this.#askForMapping(MAPPING_SOCKET, destination, now);
    }
  }

  /** RFC 5780 §4.4, from a socket that has sent to `server` alone; `afterwards` when all is known. */
  #testFiltering(
    server: Endpoint,
    other: Endpoint | undefined,
    now: Instant,
    afterwards: (now: Instant) => void,
  ): void {
    let open = other ? 2 : 1;
    const ask = (change: 'port' | 'address-and-port', isElsewhere: (from: Endpoint) => boolean, at: Instant): void => {
      const attributes: StunContentAttribute[] = [
        { kind: 'change-request', address: change === 'address-and-port', port: true },
        { kind: 'probe-padding', length: CHANGE_PADDING_BYTES },
      ];
      // From the server itself comes the refusal, which ends the question and tells nothing about the NAT.
      const answersFrom = (from: Endpoint): boolean => endpointsEqual(from, server) || isElsewhere(from);
      this.#ask(FILTERING_SOCKET, server, at, { attributes }, { answersFrom }, (outcome, answeredAt) => {
        const result = outcome.kind === 'silence' ? 'silence' : 'received';
        if (outcome.kind === 'silence' || isSuccessFrom(outcome, isElsewhere)) {
          this.#samples.push({ kind: 'filtering', change, result });
        }
        open -= 1;
        if (open === 0) afterwards(answeredAt);
      });
    };
    const isOtherPort = (from: Endpoint): boolean =>
      ipAddressesEqual(from.address, server.address) && from.port !== server.port;
    this.#askForMapping(FILTERING_SOCKET, server, now, (message, answeredAt) => {
      if (!message) return afterwards(answeredAt);
      ask('port', isOtherPort, answeredAt);
      if (other) ask('address-and-port', (from) => endpointsEqual(from, other), answeredAt);
    });
  }

  /** RFC 5780 §3.4, both ways at once: each opens the NAT for the other where the NAT filters. */
  #testHairpin(server: Endpoint, now: Instant): void {
    for (const socket of HAIRPIN_SOCKETS) {
      this.#askForMapping(socket, server, now, (message, answeredAt) => {
        const mapped = message && mappedEndpoint(message);
        if (mapped) this.#hairpinEndpoints.set(socket, mapped);
        if (this.#hairpinEndpoints.size === HAIRPIN_SOCKETS.length) this.#sendToEachOther(answeredAt);
      });
    }
  }

  #sendToEachOther(now: Instant): void {
    const results: ('received' | 'silence')[] = [];
    for (const [socket, target] of [HAIRPIN_SOCKETS, [...HAIRPIN_SOCKETS].reverse()] as [number, number][]) {
      const to = this.#hairpinEndpoints.get(target)!;
      this.#ask(socket, to, now, {}, { arrivesAt: target }, (outcome) => {
        results.push(outcome.kind === 'answer' ? 'received' : 'silence');
        if (results.length < HAIRPIN_SOCKETS.length) return;
        this.#samples.push({ kind: 'hairpin', result: results.includes('received') ? 'received' : 'silence' });
      });
    }
  }

  #testLifetime(server: Endpoint, now: Instant): void {
    for (const [i, idle] of (this.#options.lifetime?.idle ?? []).entries()) {
      const socket = FIRST_LIFETIME_SOCKET + i;
      this.#askForMapping(socket, server, now, (message, answeredAt) => {
        const mapped = message && mappedEndpoint(message);
        if (mapped) this.#askAgain(socket, server, mapped, idle, answeredAt);
      });
    }
  }

  #askAgain(socket: number, server: Endpoint, mapped: Endpoint, idle: Duration, now: Instant): void {
    const { id, key, hmac } = this.#options.lifetime!;
    const attributes: StunContentAttribute[] = [
      { kind: 'username', value: id },
      { kind: 'xor-mapped-address', endpoint: mapped },
      { kind: 'answer-again', after: idle },
    ];
    // No fingerprint: the answers would have it, too, and together be longer than the request.
    const content = { attributes, integrity: { key, hmac }, fingerprint: false };
    const transactionId = this.#ask(socket, server, now, content, {}, (outcome, answeredAt) => {
      if (outcome.kind !== 'answer' || findAttribute(outcome.message, 'answer-again')?.after !== idle) return;
      const until = addDuration(addDuration(answeredAt, idle), LATE_ANSWER);
      this.#questions.push({ kind: 'second-answer', socket, transactionId, from: server, idle, until });
    });
  }

  // ── Questions and answers ─────────────────────────────────────────────────────────────────────────────────────────

  /** A Binding request and its sample; `then` hears of the answer, or that there is none. */
  #askForMapping(
    socket: number,
    server: Endpoint,
    now: Instant,
    then: (message: StunMessage | undefined, now: Instant) => void = () => {},
  ): void {
    const order = this.#nextOrder++;
    this.#ask(socket, server, now, {}, {}, (outcome, answeredAt) => {
      const mapped = outcome.kind === 'answer' ? addressIn(outcome.message) : undefined;
      if (outcome.kind === 'silence' || !mapped) {
        this.#samples.push({ kind: 'no-mapping', server });
        return then(undefined, answeredAt);
      }
      const localPort = this.#options.localPorts[socket]!;
      this.#samples.push({ kind: 'mapping', socket, localPort, order, server, mapped, rtt: outcome.rtt });
      then(outcome.message, answeredAt);
    });
  }

  #ask(
    socket: number,
    destination: Endpoint,
    now: Instant,
    content: Pick<Partial<StunMessageContent>, 'attributes' | 'integrity' | 'fingerprint'>,
    { arrivesAt, answersFrom }: { arrivesAt?: number } & Pick<StunRequest, 'answersFrom'>,
    conclude: (outcome: Outcome, now: Instant) => void,
  ): Uint8Array {
    const transactionId = this.#options.random(TRANSACTION_ID_BYTES);
    const bytes = encodeStunMessage({ class: 'request', transactionId, fingerprint: true, ...content });
    const request = {
      destination,
      transactionId,
      bytes,
      schedule: NAT_TEST_SCHEDULE,
      ...(answersFrom && { answersFrom }),
    };
    const transaction = new StunTransaction(request, now);
    const expectation = arrivesAt === undefined ? {} : { arrivesAt };
    this.#questions.push({ kind: 'request', socket, transactionId, transaction, ...expectation, conclude });
    return transactionId;
  }

  #handleQuestionTimeout(question: Question, now: Instant, out: NatTestOutput): void {
    switch (question.kind) {
      case 'request':
        question.transaction.handleTimeout(now, { datagram: (bytes, to) => out.datagram(bytes, to, question.socket) });
        if (question.transaction.state.kind !== 'timed-out') return;
        this.#forget(question);
        return question.conclude({ kind: 'silence' }, now);
      case 'second-answer':
        if (now < question.until) return;
        this.#forget(question);
        this.#samples.push({ kind: 'lifetime', idle: question.idle, result: 'silence' });
        return;
      default:
        assertNever(question);
    }
  }

  #handleMessage(message: StunMessage, from: Endpoint, socket: number, now: Instant): boolean {
    for (const question of this.#questions) {
      if (!bytesEqual(question.transactionId, message.transactionId)) continue;
      if (question.kind === 'second-answer') return this.#handleSecondAnswer(question, message, from, socket);
      if (question.arrivesAt !== undefined) {
        if (socket !== question.arrivesAt || message.class !== 'request') return false;
        this.#forget(question);
        question.conclude({ kind: 'answer', message, from, rtt: milliseconds(0) }, now);
        return true;
      }
      if (socket !== question.socket || !question.transaction.handleMessage(message, from, now)) return false;
      const { state } = question.transaction;
      this.#forget(question);
      if (state.kind === 'answered') question.conclude({ kind: 'answer', message, from, rtt: state.rtt }, now);
      return true;
    }
    return false;
  }

  #handleSecondAnswer(
    question: Question & { kind: 'second-answer' },
    message: StunMessage,
    from: Endpoint,
    socket: number,
  ): boolean {
    if (socket !== question.socket || !endpointsEqual(from, question.from) || message.class !== 'success') return false;
    // A late copy of the first answer says nothing: it names the time that is still to pass.
    if (findAttribute(message, 'answer-again')?.after !== 0) return false;
    this.#forget(question);
    this.#samples.push({ kind: 'lifetime', idle: question.idle, result: 'received' });
    return true;
  }

  #forget(question: Question): void {
    this.#questions = this.#questions.filter((known) => known !== question);
  }
}

function isSuccessFrom(
  { message, from }: Outcome & { kind: 'answer' },
  isExpected: (from: Endpoint) => boolean,
): boolean {
  return message.class === 'success' && isExpected(from);
}

/** A success that requires us to understand what we don't counts as failed (RFC 8489 §6.3.3). */
function addressIn(message: StunMessage): Endpoint | undefined {
  if (message.class !== 'success' || unknownRequiredTypes(message).length > 0) return undefined;
  return mappedEndpoint(message);
}

/** OTHER-ADDRESS, if it can be what it says: a server on the internet has no other address in somebody's LAN. */
function otherAddressIn(message: StunMessage, server: Endpoint): Endpoint | undefined {
  const other = findAttribute(message, 'other-address')?.endpoint;
  if (!other || other.address.family !== server.address.family || other.port === server.port) return undefined;
  if (ipAddressesEqual(other.address, server.address)) return undefined;
  return ipAddressScope(other.address) === ipAddressScope(server.address) ? other : undefined;
}
