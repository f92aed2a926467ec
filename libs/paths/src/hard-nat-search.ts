// The search through the ports of a hard NAT, on a path agent's behalf: does what PortGuessing (port-guessing.ts) says is next,
// and gives extra sockets back that no path needs. PathAgent owns one, also where guessing is not allowed.

import { assertNever, type Endpoint, type Instant, udpPath } from '@shadownet/primitives';
import type { CandidateEntry } from './candidate-table.js';
import type { KnownPaths } from './known-paths.js';
import type { NatPair } from './nat-traits.js';
import type { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import { guessRole, type GuessStep, type PortGuessing } from './port-guessing.js';
import type { ProbeSender } from './probe-sender.js';

export class HardNatSearch {
  constructor(
    private readonly guessing: PortGuessing | undefined,
    private readonly paths: KnownPaths,
    private readonly sender: ProbeSender,
    private readonly journal: PathJournal,
  ) {}

  /** A search is under way. Guesses follow if one side's NAT is hard and the other's is not. */
  schedule({ local, remote }: NatPair, now: Instant): void {
    const role = guessRole(local, remote);
    if (role) this.guessing?.schedule(role, now);
  }

  pollTimeout(): Instant | undefined {
    return this.guessing?.pollTimeout();
  }

  handleTimeout(nats: () => NatPair, now: Instant, out: PathOutput): void {
    const { guessing } = this;
    const guessAt = guessing?.pollTimeout();
    if (!guessing || guessAt === undefined || now < guessAt) return;
    const { local, remote } = nats();
    const wasBegun = guessing.hasBegun;
    const candidates = this.paths.candidates.map(({ candidate }) => candidate);
    const step = guessing.handleTimeout(candidates, remote, now);
    const role = guessRole(local, remote);
    if (!wasBegun && guessing.hasBegun && role) this.journal.note({ kind: 'guessing', role }, now);
    if (step) this.#take(step, now, out);
  }

  #take(step: GuessStep, now: Instant, out: PathOutput): void {
    switch (step.kind) {
      case 'open-sockets':
        return this.journal.tell({ kind: 'sockets-wanted', count: step.count });
      case 'probe-from':
        for (const socket of step.sockets) this.#guess(step.to, socket, now, out);
        return;
      case 'probe-ports':
        for (const to of step.to) this.#guess(to, 0, now, out);
        return;
      case 'give-up':
        return this.#release(step.sockets);
      default:
        return assertNever(step);
    }
  }

  #guess(to: Endpoint, socket: number, now: Instant, out: PathOutput): void {
    this.sender.send({ ...udpPath(to), socket }, { isGuess: true }, now, out);
  }

  /** The sockets that 'sockets-wanted' asked for. */
  useSockets(sockets: readonly number[], now: Instant): void {
    this.#release(this.guessing?.useSockets(sockets, now) ?? sockets);
  }

  /** Of the extra sockets only that of `entry` is of use from now on. */
  stop(entry: CandidateEntry | undefined, now: Instant): void {
    const keep = entry?.path.socket ?? 0;
    this.#release((this.guessing?.stop(now) ?? []).filter((socket) => socket !== keep));
  }

  /** The path of `before` is left, for that of `next` if there is one. An extra socket was open for nothing else. */
  leave(before: CandidateEntry | undefined, next: CandidateEntry | undefined): void {
    const socket = before?.path.socket ?? 0;
    if (socket !== 0 && socket !== next?.path.socket) this.#release([socket]);
  }

  #release(sockets: readonly number[]): void {
    if (sockets.length === 0) return;
    this.paths.forgetSockets(sockets);
    this.journal.tell({ kind: 'sockets-unneeded', sockets });
  }
}
