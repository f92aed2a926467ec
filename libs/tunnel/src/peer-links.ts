// The links of a tunnel, by all that leads to one of them: the peer's key, the id that its probes carry, the path that the engine
// sends by, and the deadline that comes first. Used by tunnel.ts.

import { type PathAgent } from '@shadownet/paths';
import {
  encodeHex,
  encodePublicKey,
  formatPath,
  type Instant,
  type Path,
  type PublicKey,
  type PublicKeyText,
  TimerQueue,
  type Wakeup,
} from '@shadownet/primitives';
import type { PeerLink } from './peer-link.js';

export class PeerLinks {
  readonly #byKey = new Map<PublicKeyText, PeerLink>();
  /** By the id in hexadecimal. */
  readonly #byProbeId = new Map<string, PeerLink>();
  /** By the text of the path. */
  readonly #byPath = new Map<string, PeerLink>();
  /** Who may have events, or another deadline than before: with many peers, a packet must not cost a look at each. */
  readonly #touched = new Set<PeerLink>();
  readonly #timers = new TimerQueue<PeerLink>();

  get size(): number {
    return this.#byKey.size;
  }

  /** As they were at the call: they may be removed while one goes through them. */
  all(): PeerLink[] {
    return [...this.#byKey.values()];
  }

  ofPeer(publicKey: PublicKey): PeerLink | undefined {
    return this.#byKey.get(encodePublicKey(publicKey));
  }

  ofKeyText(publicKey: PublicKeyText): PeerLink | undefined {
    return this.#byKey.get(publicKey);
  }

  ofProbeId(id: Uint8Array): PeerLink | undefined {
    return this.#byProbeId.get(encodeHex(id));
  }

  ofPath(path: Path): PeerLink | undefined {
    return this.#byPath.get(formatPath(path));
  }

  add(link: PeerLink): void {
    this.#byKey.set(encodePublicKey(link.publicKey), link);
    this.#byProbeId.set(encodeHex(link.keys.incomingId), link);
  }

  remove(link: PeerLink): void {
    this.setPath(link, undefined);
    this.#touched.delete(link);
    this.#timers.delete(link);
    this.#byKey.delete(encodePublicKey(link.publicKey));
    this.#byProbeId.delete(encodeHex(link.keys.incomingId));
  }

  /** Where the engine sends to that peer from now on, in place of what was before; no handshake is expected by either. */
  setPath(link: PeerLink, path: Path | undefined): void {
    if (link.path && this.ofPath(link.path) === link) this.#byPath.delete(formatPath(link.path));
    link.path = path;
    link.handshakeAt = undefined;
    if (path) this.#byPath.set(formatPath(path), link);
  }

  /** The agent of a link, for a call that may leave events or another deadline behind. */
  agentOf(link: PeerLink): PathAgent {
    this.#touched.add(link);
    return link.agent;
  }

  /** Each link whose agent was asked for since the last time, also meanwhile. Afterwards its deadline is known. */
  *takeTouched(): Generator<PeerLink, void> {
    for (const link of this.#touched) {
      this.#touched.delete(link);
      yield link;
      const deadline = link.nextDeadline();
      if (deadline !== undefined) this.#timers.lookAt(link, deadline);
    }
  }

  /** The links with a deadline that has come: none of them is known until the link is touched. */
  takeDue(now: Instant): PeerLink[] {
    const due: PeerLink[] = [];
    for (let first = this.#timers.first(); first && first.at <= now; first = this.#timers.first()) {
      due.push(first.owner);
      this.#timers.delete(first.owner);
    }
    return due;
  }

  /** The deadline that comes first, and what for. */
  pollTimeout(): Wakeup | undefined {
    return this.#timers.first()?.owner.pollTimeout();
  }
}
