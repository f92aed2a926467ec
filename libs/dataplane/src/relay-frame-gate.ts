// What a receive worker does with frames of relays before it looks at what they carry: only those of a relay that the core uses come
// further, and of a session that the workers know only what is authentic and new (docs/relay.md). The tag is checked side by side
// with other workers, the window in the order of receives (concurrency rule 5). Used by receive-worker.ts.

import type { SipHasher, SipHashKey } from '@shadownet/crypto';
import type { ReceiveHeader } from '@shadownet/native';
import { formatEndpoint, type ReplayWindow } from '@shadownet/primitives';
import {
  acceptCounter,
  hasValidTag,
  isSessionType,
  type RelaySessionRef,
  type RelaySessionTable,
} from '@shadownet/relay';

/** A relay session as the worker knows it until the next epoch. */
export interface OpenRelaySession {
  readonly ref: RelaySessionRef;
  readonly key: SipHashKey;
  readonly window: ReplayWindow;
}

/**
 * `stranger`: not from a relay of ours. `unchecked`: a message of the relay's handshake, or of a session that only the core has;
 * it knows what to do. `bad-tag`: not authentic.
 */
export type FrameVerdict = 'stranger' | 'unchecked' | 'bad-tag' | OpenRelaySession;

/** Of a frame that a worker has not checked, in the ring to the core. */
export const UNCHECKED_FRAME = 0;
const SLOT_BITS = 8;

/** By which session a frame was checked, in the ring. Generations have 24 bits there, more than a process ever makes. */
export function checkedFrameTag({ slot, generation }: RelaySessionRef): number {
  return (generation << SLOT_BITS) | (slot + 1);
}

export function sessionOfFrameTag(tag: number): RelaySessionRef | undefined {
  if (tag === UNCHECKED_FRAME) return undefined;
  return { slot: (tag & ((1 << SLOT_BITS) - 1)) - 1, generation: tag >>> SLOT_BITS };
}

export class RelayFrameGate {
  /** The source of the receive in hand, by its flow (ReceiveHeader). */
  #flow: number | undefined;
  #source: 'stranger' | 'relay' | OpenRelaySession = 'stranger';

  /** `memory` is what frames are received into, and the hasher's own. */
  constructor(
    private readonly table: RelaySessionTable,
    private readonly hasher: SipHasher | undefined,
    private readonly memory: Uint8Array,
  ) {}

  /** Lets go of every session; also when there is another header to receive with. */
  forget(): void {
    this.#flow = undefined;
    this.#source = 'stranger';
  }

  /** On the frame of `length` bytes at `at`; `relays` are the texts of where frames of relays come from. */
  judge(header: ReceiveHeader, relays: ReadonlySet<string>, at: number, length: number): FrameVerdict {
    const source = this.#sourceOf(header, relays);
    if (source === 'stranger') return source;
    if (source === 'relay' || !this.hasher || !isSessionType(this.memory[at]!)) return 'unchecked';
    return hasValidTag(this.hasher, source.key, this.memory, at, length) ? source : 'bad-tag';
  }

  /** In our turn: whether the authentic frame at `at` counts, because its session lives and it was not seen before. */
  accept({ ref, window }: OpenRelaySession, at: number): boolean {
    return this.table.isLive(ref) && acceptCounter(window, this.memory, at);
  }

  #sourceOf(header: ReceiveHeader, relays: ReadonlySet<string>): 'stranger' | 'relay' | OpenRelaySession {
    const known = this.#source;
    const isSame = this.#flow === header.flow;
    if (isSame && (known === 'stranger' || (known !== 'relay' && this.table.isLive(known.ref)))) return known;
    this.#flow = header.flow;
    this.#source = this.#lookUp(header, relays);
    return this.#source;
  }

  #lookUp(header: ReceiveHeader, relays: ReadonlySet<string>): 'stranger' | 'relay' | OpenRelaySession {
    if (!relays.has(formatEndpoint(header.source()))) return 'stranger';
    const { table } = this;
    const ref = table.find((address, port, zone) => header.isFrom(address, port, zone));
    if (!ref) return 'relay';
    return { ref, key: table.receiveKey(ref), window: table.replayWindow(ref) };
  }
}
