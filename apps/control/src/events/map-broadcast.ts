// Tells the open streams what changed in the map. Changes that come in a burst are told together: each stream gets one delta
// with the newest state of what it may see. A stream that may see nothing of it gets nothing. Many streams are told in slices,
// so that requests are answered in between.

import { Inject, Injectable } from '@nestjs/common';
import { type MapDelta, type MapVersion } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import { CONFIG, type ControlConfig } from '../config.js';
import { type NodeChange, NodeRoster } from '../network-map/node-roster.js';
import { NetworkMapService } from '../network-map/network-map.service.js';
import { type Visibility, VISIBILITY } from '../network-map/visibility.js';
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
  readonly formerly: readonly FormerVisibility[];
}

/** Who saw whom until the version of that sequence. */
interface FormerVisibility {
  readonly visibility: Visibility;
  readonly sequence: number;
}

type HasHeardOf = (sequence: number) => boolean;

@Injectable()
export class MapBroadcast {
  readonly #waiting = new Map<string, NetChange>();
  #formerly: FormerVisibility[] = [];
  #since: MapVersion | undefined;
  #state: 'idle' | 'scheduled' | 'telling' = 'idle';

  constructor(
    private readonly roster: NodeRoster,
    private readonly maps: NetworkMapService,
    private readonly streams: EventStreams,
    @Inject(VISIBILITY) private readonly visibility: Visibility,
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
    this.#schedule();
  }

  /** Who sees whom has changed, in this version of the map; `formerly` says how it was. */
  publishVisibility(version: MapVersion, formerly: Visibility): void {
    this.#since ??= this.roster.version;
    this.roster.endHistory(version);
    this.#formerly.push({ visibility: formerly, sequence: version.sequence });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    setTimeout(() => void this.#tell(), COALESCE_MS);
  }

  async #tell(): Promise<void> {
    this.#state = 'telling';
    while (this.#since) {
      const broadcast = {
        since: this.#since,
        version: this.roster.version,
        changes: [...this.#waiting.values()],
        formerly: this.#formerly,
      };
      this.#waiting.clear();
      this.#since = undefined;
      this.#formerly = [];
      await this.#tellAll(broadcast);
    }
    this.#state = 'idle';
  }

  async #tellAll(broadcast: Broadcast): Promise<void> {
    const deltas = new Deltas(broadcast, this.roster, this.maps, this.visibility, formatIpPrefix(this.config.network));
    let told = 0;
    for (const stream of this.streams.all()) {
      // One that was opened since has it in its first event.
      if (stream.isBehind(broadcast.version)) this.#tellOne(stream, broadcast.version, deltas);
      if (++told % SLICE === 0) await new Promise(setImmediate);
    }
  }

  #tellOne(stream: EventStream, version: MapVersion, deltas: Deltas): void {
    const viewer = this.roster.node(stream.caller.publicKey);
    if (!viewer) return this.streams.end(stream.caller.publicKey);
    const hasHeardOf: HasHeardOf = (sequence) => stream.hasHeardOf(sequence);
    if (deltas.changesViewOf(viewer, hasHeardOf)) {
      return stream.sendMap('map', JSON.stringify(this.maps.mapFor(viewer)), version);
    }
    const delta = deltas.of(viewer, hasHeardOf);
    if (delta === undefined) stream.advance(version);
    else stream.sendMap('delta', delta, version);
  }
}

/** What one broadcast is to each viewer, worked out once for viewers to whom it is the same: most may see the same. */
class Deltas {
  readonly #texts = new Map<string, string>();
  /** By the viewer's groups, before and now: nodes that it sees no more, or otherwise. */
  readonly #seenOtherwise = new Map<string, readonly NodeEntity[]>();

  constructor(
    private readonly broadcast: Broadcast,
    private readonly roster: NodeRoster,
    private readonly maps: NetworkMapService,
    readonly visibility: Visibility,
    private readonly networkCidr: string,
  ) {}

  /** True if the viewer itself has become another node to the rules, so that it may see all others otherwise. */
  changesViewOf(viewer: NodeEntity, hasHeardOf: HasHeardOf): boolean {
    const own = this.broadcast.changes.find(({ id }) => id === viewer.id);
    if (!own || hasHeardOf(own.sequence)) return false;
    return own.past.some((node) => this.visibility.groupOf(node) !== this.visibility.groupOf(viewer));
  }

  /** As JSON text; undefined if the viewer sees nothing of it. */
  of(viewer: NodeEntity, hasHeardOf: HasHeardOf): string | undefined {
    const changes = this.broadcast.changes.filter(({ sequence }) => !hasHeardOf(sequence));
    const formerly = this.broadcast.formerly.filter(({ sequence }) => !hasHeardOf(sequence));
    const removed = new Set<string>();
    const changed = new Map<string, NodeEntity>();
    for (const { id, past, after } of changes) {
      if (after && this.maps.sees(viewer, after)) changed.set(id, after);
      // What it sees not now, it may have seen in a map of its own since the last broadcast.
      else if ([...past, after ?? []].flat().some((node) => this.#mayKnow(viewer, node, formerly))) removed.add(id);
    }
    const told = new Set(changes.map(({ id }) => id));
    for (const former of formerly) {
      for (const node of this.#nodesSeenOtherwise(viewer, former)) {
        if (node.publicKey === viewer.publicKey || told.has(node.id)) continue;
        if (this.maps.sees(viewer, node)) changed.set(node.id, node);
        else removed.add(node.id);
      }
    }
    return removed.size + changed.size === 0 ? undefined : this.#textOf(viewer, [...removed], [...changed.values()]);
  }

  #mayKnow(viewer: NodeEntity, node: NodeEntity, formerly: readonly FormerVisibility[]): boolean {
    if (node.publicKey === viewer.publicKey) return false;
    return [this, ...formerly].some(({ visibility }) => visibility.mayTalk(viewer, node));
  }

  /** The text is the same for all who see the same nodes with the same access, which their group decides. */
  #textOf(viewer: NodeEntity, removed: readonly string[], changed: readonly NodeEntity[]): string {
    const key = `${this.visibility.groupOf(viewer)}|${removed.join()}|${changed.map(({ id }) => id).join()}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const { since, version } = this.broadcast;
    const delta: MapDelta = {
      since,
      map_version: version,
      network_cidr: this.networkCidr,
      removed: [...removed],
      changed: changed.map((node) => this.maps.peerFor(viewer, node)),
    };
    const text = JSON.stringify(delta);
    this.#texts.set(key, text);
    return text;
  }

  #nodesSeenOtherwise(viewer: NodeEntity, { visibility: former, sequence }: FormerVisibility): readonly NodeEntity[] {
    const key = `${sequence} ${former.groupOf(viewer)} ${this.visibility.groupOf(viewer)}`;
    let nodes = this.#seenOtherwise.get(key);
    if (!nodes) {
      nodes = [...this.roster.nodes()].filter(
        (node) => viewOf(former, viewer, node) !== viewOf(this.visibility, viewer, node),
      );
      this.#seenOtherwise.set(key, nodes);
    }
    return nodes;
  }
}

function viewOf(visibility: Visibility, viewer: NodeEntity, node: NodeEntity): string {
  return visibility.mayTalk(viewer, node) ? JSON.stringify(visibility.access(viewer, node)) : 'unseen';
}
