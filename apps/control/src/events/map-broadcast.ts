// Tells the open streams what changed in the map. Changes that come in a burst are told together: each stream gets one delta
// with the newest state of what it may see. A stream that may see nothing of it gets nothing. Many streams are told in slices,
// so that requests are answered in between.

import { Inject, Injectable } from '@nestjs/common';
import { type MapDelta, type MapVersion } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import { CONFIG, type ControlConfig } from '../config.js';
import { toPeer } from '../network-map/network-map.js';
import { type NodeChange, NodeRoster } from '../network-map/node-roster.js';
import { NetworkMapService } from '../network-map/network-map.service.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import type { EventStream } from './event-stream.js';
import { EventStreams } from './event-streams.js';

/** How long a change waits for others to be told with. */
const COALESCE_MS = 25;
/** Streams told in one turn of the event loop: about 5 ms. */
const SLICE = 200;

/** What became of one id since the last broadcast. */
interface NetChange {
  readonly id: string;
  /** What streams may know it as: from before, or opened while it was so. */
  readonly past: NodeEntity[];
  after: NodeEntity | undefined;
  /** Of the map, at its last change. */
  sequence: number;
}

/** The changes of one broadcast, and the versions that they lie between. */
interface Broadcast {
  readonly since: MapVersion;
  readonly version: MapVersion;
  readonly changes: readonly NetChange[];
}

@Injectable()
export class MapBroadcast {
  readonly #waiting = new Map<string, NetChange>();
  #since: MapVersion | undefined;
  #state: 'idle' | 'scheduled' | 'telling' = 'idle';

  constructor(
    private readonly roster: NodeRoster,
    private readonly maps: NetworkMapService,
    private readonly streams: EventStreams,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  /** A change that was just committed. */
  publish(change: NodeChange): void {
    this.#since ??= this.roster.version;
    const before = this.roster.apply(change);
    const id = change.kind === 'changed' ? change.node.id : change.id;
    const after = change.kind === 'changed' ? change.node : undefined;
    const net = this.#waiting.get(id) ?? { id, past: [], after: undefined, sequence: 0 };
    if (before?.id === id) net.past.push(before);
    net.after = after;
    net.sequence = change.version.sequence;
    this.#waiting.set(id, net);
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    setTimeout(() => void this.#tell(), COALESCE_MS);
  }

  async #tell(): Promise<void> {
    this.#state = 'telling';
    while (this.#since) {
      const broadcast = { since: this.#since, version: this.roster.version, changes: [...this.#waiting.values()] };
      this.#waiting.clear();
      this.#since = undefined;
      await this.#tellAll(broadcast);
    }
    this.#state = 'idle';
  }

  async #tellAll(broadcast: Broadcast): Promise<void> {
    const payloads = new Payloads(broadcast, formatIpPrefix(this.config.network));
    let told = 0;
    for (const stream of this.streams.all()) {
      // One that was opened since has it in its first event.
      if (stream.isBehind(broadcast.version)) this.#tellOne(stream, broadcast, payloads);
      if (++told % SLICE === 0) await new Promise(setImmediate);
    }
  }

  #tellOne(stream: EventStream, { version, changes }: Broadcast, payloads: Payloads): void {
    const viewer = this.roster.node(stream.caller.publicKey);
    if (!viewer) return stream.end();
    const fates = changes.map(({ past, after, sequence }) => {
      if (stream.hasHeardOf(sequence)) return 'unseen';
      if (after && this.maps.sees(viewer, after)) return 'changed';
      return past.some((node) => this.maps.sees(viewer, node)) ? 'removed' : 'unseen';
    });
    if (fates.every((fate) => fate === 'unseen')) stream.advance(version);
    else stream.sendMap('delta', payloads.of(fates), version);
  }
}

type Fate = 'changed' | 'removed' | 'unseen';

/** The payload for each set of changes that streams may see: most may see the same. */
class Payloads {
  readonly #texts = new Map<string, string>();

  constructor(
    private readonly broadcast: Broadcast,
    private readonly networkCidr: string,
  ) {}

  of(fates: readonly Fate[]): string {
    const key = fates.map((fate) => fate[0]).join('');
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const { since, version, changes } = this.broadcast;
    const delta: MapDelta = {
      since,
      map_version: version,
      network_cidr: this.networkCidr,
      removed: changes.filter((_, at) => fates[at] === 'removed').map(({ id }) => id),
      changed: changes.filter((_, at) => fates[at] === 'changed').map(({ after }) => toPeer(after!)),
    };
    const text = JSON.stringify(delta);
    this.#texts.set(key, text);
    return text;
  }
}
