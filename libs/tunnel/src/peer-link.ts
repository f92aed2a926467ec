// One peer of the mesh within a tunnel: what the map says of it, its path agent, and when our side starts the handshake.

import type { Peer } from '@shadownet/contracts';
import { type PathAgent, type ProbeKeys, zeroProbeKeys } from '@shadownet/paths';
import {
  addDuration,
  durationBetween,
  earliestWakeup,
  type Instant,
  type Path,
  type PublicKey,
  seconds,
  type TimerOwner,
  type Wakeup,
} from '@shadownet/primitives';
import type { PeerName } from './tunnel-types.js';

/** How long the side with the greater key waits for the other one's initiation before it sends its own. */
export const SECOND_INITIATOR_DELAY = seconds(1);

/** Packets for a peer that is being waited for start a new search so often, however many they are. */
export const DEMAND_INTERVAL = seconds(5);

export class PeerLink implements TimerOwner {
  /** The path that the engine sends by. */
  path: Path | undefined;
  /** Who sends its data where there are packet workers: the engine itself, while data goes by two paths. */
  sender: 'workers' | 'core' = 'workers';
  /** When to initiate if no session has come up by then. */
  handshakeAt: Instant | undefined;
  #lastDemandAt: Instant | undefined;

  constructor(
    readonly publicKey: PublicKey,
    public peer: Peer,
    readonly keys: ProbeKeys,
    readonly agent: PathAgent,
    /** Of this link alone among all that the tunnel ever has: the packet filter tells them apart by it. */
    readonly incarnation: number,
    /** True on the side with the smaller public key: exactly one of the two initiates at once. */
    readonly initiates: boolean,
  ) {}

  get name(): PeerName {
    return { id: this.peer.id, hostname: this.peer.hostname, publicKey: this.publicKey };
  }

  expectHandshake(now: Instant): void {
    this.handshakeAt = addDuration(now, SECOND_INITIATOR_DELAY);
  }

  /** True if packets that wait for a path may start a search now. */
  takeDemand(now: Instant): boolean {
    if (this.#lastDemandAt !== undefined && durationBetween(this.#lastDemandAt, now) < DEMAND_INTERVAL) return false;
    this.#lastDemandAt = now;
    return true;
  }

  nextDeadline(): Instant | undefined {
    return this.pollTimeout()?.at;
  }

  pollTimeout(): Wakeup | undefined {
    const handshake =
      this.handshakeAt === undefined ? undefined : { at: this.handshakeAt, reason: 'handshake expected' };
    return earliestWakeup(this.agent.pollTimeout(), handshake);
  }

  zero(): void {
    zeroProbeKeys(this.keys);
  }
}
