// Which channel each peer has at one relay, as far as we have learnt it. Numbers belong to one process of the relay.

import { encodePublicKey, type Instant, type PublicKey, type PublicKeyText } from '@shadownet/primitives';
import { RESOLVE_INTERVAL } from '../constants.js';

export interface PeerChannel {
  readonly peer: PublicKey;
  /** Undefined while it is not known, or the peer not there. */
  channel: number | undefined;
  state: 'unknown' | 'present' | 'absent';
  askedAt: Instant | undefined;
}

/** Peers remembered; those that were learnt first are asked for again. */
const MAX_PEERS = 65_536;

export class PeerChannels {
  readonly #byKey = new Map<PublicKeyText, PeerChannel>();
  readonly #byChannel = new Map<number, PeerChannel>();
  #instance: number | undefined;

  /** A session has begun. True if the relay is another process than before, so that nothing known holds. */
  begin(instance: number): boolean {
    if (instance === this.#instance) return false;
    this.#instance = instance;
    this.#byKey.clear();
    this.#byChannel.clear();
    return true;
  }

  of(peer: PublicKey): PeerChannel {
    const text = encodePublicKey(peer);
    const known = this.#byKey.get(text);
    if (known) return known;
    const added: PeerChannel = { peer, channel: undefined, state: 'unknown', askedAt: undefined };
    this.#byKey.set(text, added);
    if (this.#byKey.size > MAX_PEERS) this.#forgetFirst();
    return added;
  }

  /** The channel by which the peer is reached, as far as that is known. */
  channelOf(peer: PublicKey): number | undefined {
    const entry = this.#byKey.get(encodePublicKey(peer));
    return entry?.state === 'present' ? entry.channel : undefined;
  }

  at(channel: number): PeerChannel | undefined {
    return this.#byChannel.get(channel);
  }

  /** The relay says where a peer is, or, without a channel, that it is not there. True if that is new. */
  learn(peer: PublicKey, channel: number | undefined): boolean {
    const entry = this.of(peer);
    const state = channel === undefined ? 'absent' : 'present';
    const isNew = entry.state !== state;
    if (entry.channel !== channel) {
      if (entry.channel !== undefined) this.#byChannel.delete(entry.channel);
      const former = channel === undefined ? undefined : this.#byChannel.get(channel);
      // The number was another's: that one has gone long ago.
      if (former) Object.assign(former, { channel: undefined, state: 'unknown' });
      entry.channel = channel;
      if (channel !== undefined) this.#byChannel.set(channel, entry);
    }
    entry.state = state;
    return isNew;
  }

  /** True if it may be asked for now, which is then noted. */
  mayAsk(entry: PeerChannel, now: Instant): boolean {
    if (entry.askedAt !== undefined && now - entry.askedAt < RESOLVE_INTERVAL) return false;
    entry.askedAt = now;
    return true;
  }

  #forgetFirst(): void {
    const [first] = this.#byKey;
    if (!first) return;
    const [text, { channel }] = first;
    this.#byKey.delete(text);
    if (channel !== undefined) this.#byChannel.delete(channel);
  }
}
