// Which nodes see each other in their maps. The network map and its deltas ask; the policy answers.

import type { NodeEntity } from '../nodes/node.entity.js';

export interface Visibility {
  /** True if the two may exchange traffic in at least one direction. Symmetric, and quick: asked once per pair and change. */
  mayTalk(a: NodeEntity, b: NodeEntity): boolean;
}

/** The injection token of the Visibility. */
export const VISIBILITY = Symbol('VISIBILITY');

/** Without a policy all nodes of a network may talk. */
export const everybodyTalks: Visibility = { mayTalk: () => true };
