// Sends prepared initiations from many callers and counts the responses. Runs as a process of its own in the callers' namespace,
// with the plan as its argument. Closed loop: so many handshakes are under way at a time, few enough that no responder's queue
// overflows; a response, or its absence for too long, makes room for the next. A late one counts as well. A cookie is answered as a real caller would.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { nodeCrypto } from '@shadownet/crypto';
import { decodeBase64 } from '@shadownet/primitives';
import { CookieJar } from './cookie-jar.js';
import { callerAddress, type LoadPlan, type LoadReport } from './load-plan.js';

const INITIATION_LENGTH = 148;
const RESPONSE = { type: 2, length: 92, receiverAt: 8 } as const;
const COOKIE_REPLY = { type: 3, length: 64, receiverAt: 4 } as const;

const WINDOW = 64;
/** Long beside any queue of 64 handshakes: whoever gives up too early sends more than can be answered, and all answers come late. */
const LATE_AFTER_MS = 1000;
const SWEEP_EVERY_MS = 50;

interface UnderWay {
  readonly caller: number;
  readonly initiation: Buffer;
  sentAt: number;
  sentWithCookie: boolean;
}

class LoadGenerator {
  readonly #initiations: Buffer;
  readonly #count: number;
  readonly #cookies: CookieJar;
  readonly #sockets: Socket[] = [];
  /** By the sender index of the initiation, which the answer carries as receiver. */
  readonly #underWay = new Map<number, UnderWay>();
  /** Sender indices that are no longer waited for. */
  readonly #late = new Set<number>();
  #next = 0;
  #startedAt = 0;
  #answered = 0;
  #cookieReplies = 0;
  #lastAnswerAt = 0;
  #finish: () => void = () => undefined;

  constructor(private readonly plan: LoadPlan) {
    this.#initiations = readFileSync(plan.initiationsFile);
    this.#count = this.#initiations.length / INITIATION_LENGTH;
    this.#cookies = new CookieJar(nodeCrypto, decodeBase64(plan.responder.publicKey)!);
  }

  async run(): Promise<LoadReport> {
    for (let caller = 0; caller < this.plan.callers; caller += 1) await this.#openSocket(caller);
    const { warmUpMs, measureMs } = this.plan;
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const sweep = setInterval(() => this.#giveUpLate(), SWEEP_EVERY_MS);
    const end = setTimeout(() => this.#finish(), warmUpMs + measureMs);
    this.#startedAt = performance.now() + warmUpMs;
    this.#fillWindow();
    await finished;
    clearInterval(sweep);
    clearTimeout(end);
    const elapsedMs = Math.min(performance.now(), this.#exhausted ? this.#lastAnswerAt : Infinity) - this.#startedAt;
    for (const socket of this.#sockets) socket.close();
    return { answered: this.#answered, lost: this.#late.size, cookies: this.#cookieReplies, elapsedMs };
  }

  async #openSocket(caller: number): Promise<void> {
    const socket = createSocket('udp4');
    socket.on('message', (message) => this.#handle(message));
    socket.bind(0, callerAddress(caller));
    await once(socket, 'listening');
    this.#sockets.push(socket);
  }

  get #exhausted(): boolean {
    return this.#next >= this.#count;
  }

  #fillWindow(): void {
    while (this.#underWay.size < WINDOW && !this.#exhausted) {
      const at = this.#next * INITIATION_LENGTH;
      const initiation = this.#initiations.subarray(at, at + INITIATION_LENGTH);
      const caller = this.#next % this.plan.callers;
      this.#next += 1;
      const attempt = { caller, initiation, sentAt: 0, sentWithCookie: false };
      this.#underWay.set(initiation.readUInt32LE(4), attempt);
      this.#send(attempt);
    }
    if (this.#exhausted && this.#underWay.size === 0) this.#finish();
  }

  #send(attempt: UnderWay): void {
    const { address, port } = this.plan.responder;
    this.#cookies.sign(attempt.caller, attempt.initiation);
    attempt.sentAt = performance.now();
    this.#sockets[attempt.caller]!.send(attempt.initiation, port, address);
  }

  #handle(message: Buffer): void {
    if (message[0] === RESPONSE.type && message.length === RESPONSE.length) {
      const index = message.readUInt32LE(RESPONSE.receiverAt);
      if (!this.#underWay.delete(index) && !this.#late.delete(index)) return;
      const now = performance.now();
      if (now >= this.#startedAt) this.#answered += 1;
      this.#lastAnswerAt = now;
      this.#fillWindow();
    } else if (message[0] === COOKIE_REPLY.type && message.length === COOKIE_REPLY.length) {
      this.#handleCookie(message);
    }
  }

  #handleCookie(reply: Buffer): void {
    const attempt = this.#underWay.get(reply.readUInt32LE(COOKIE_REPLY.receiverAt));
    if (attempt === undefined || attempt.sentWithCookie) return;
    if (!this.#cookies.accept(attempt.caller, reply, attempt.initiation)) return;
    if (performance.now() >= this.#startedAt) this.#cookieReplies += 1;
    attempt.sentWithCookie = true;
    this.#send(attempt);
  }

  #giveUpLate(): void {
    const oldest = performance.now() - LATE_AFTER_MS;
    for (const [index, attempt] of this.#underWay) {
      if (attempt.sentAt > oldest) continue;
      this.#underWay.delete(index);
      this.#late.add(index);
    }
    this.#fillWindow();
  }
}

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
process.stdout.write(`${JSON.stringify(await new LoadGenerator(plan).run())}\n`);
