// Which nodes see each other in their maps, and what they may open. The network map and its deltas ask; the policy answers.

import type { NodeEntity } from '../nodes/node.entity.js';

/** What a viewer is told of a peer, in the words of contracts; absent: everything. */
export interface PeerAccess {
  /** What the peer may open towards the viewer. */
  readonly inbound?: string[];
  /** What the viewer may open towards the peer. */
  readonly outbound?: string[];
}

export interface Visibility {
  /** True if the two may exchange traffic in at least one direction. Symmetric, and quick: asked once per pair and change. */
  mayTalk(a: NodeEntity, b: NodeEntity): boolean;
  access(viewer: NodeEntity, peer: NodeEntity): PeerAccess;
  /** Nodes of one group see the same nodes and are seen by the same, with the same access. */
  groupOf(node: NodeEntity): number;
}

/** The injection token of the Visibility. */
export const VISIBILITY = Symbol('VISIBILITY');
