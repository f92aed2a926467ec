// Why a path is what it is, and what would change it: a pure function of a recording (timeline.ts). What it says: explanation-words.ts.

import { assertNever } from '@shadownet/primitives';
import type { Candidate } from './candidate.js';
import { explanationWords } from './explanation-words.js';
import type { NatTraits } from './nat-traits.js';
import type { LossReason } from './path-event.js';
import type { ProbeRun, Recording, TimelineEntry, TimelinePath } from './timeline.js';

export interface Explanation {
  /** Where data goes: by a direct path, by the relay, or nowhere. */
  readonly path: 'direct' | 'relay' | 'none';
  /** The same as `verdict`, for programs. */
  readonly reason: PathReason;
  /** One sentence. */
  readonly verdict: string;
  /** What would make it direct; empty if it is, or if nothing is known. */
  readonly remedies: readonly string[];
  /** As both sides told each other in calls; absent if there were none. */
  readonly nats?: { readonly local: NatTraits; readonly remote: NatTraits };
  /** What was tried in the latest search, in that order. */
  readonly attempts: readonly Attempt[];
}

export interface Attempt {
  /** The peer's candidate, `relay`, or an endpoint that was guessed or seen. */
  readonly path: string;
  readonly kind: AttemptKind;
  readonly result: 'answered' | 'unanswered';
  readonly probes: number;
  readonly rtt: number | null;
}

export type AttemptKind = Candidate['kind'] | 'relay';

/** How a direct path came about. */
export type DirectMeans = 'own-address' | 'hole-punching' | 'port-mapping' | 'seen' | 'guessed' | 'many-sockets';

export type PathReason =
  | { readonly code: 'direct'; readonly means: DirectMeans; readonly remote: string }
  | { readonly code: 'not-searched' }
  | { readonly code: 'path-left'; readonly loss: LossReason }
  | { readonly code: 'both-nats-hard' }
  | { readonly code: 'no-endpoints' }
  | { readonly code: 'nat-hard'; readonly whose: 'ours' | 'theirs'; readonly guessed: boolean }
  | { readonly code: 'not-fit' }
  | { readonly code: 'unanswered'; readonly endpoints: number };

export function explain({ entries, current }: Recording): Explanation {
  const attempts = latestAttempts(entries);
  const nats = natsOf(entries);
  const path = current?.kind === 'udp' ? 'direct' : current ? 'relay' : 'none';
  const reason: PathReason =
    current?.kind === 'udp'
      ? { code: 'direct', means: meansOf(current, entries), remote: current.remote }
      : obstacle(entries, attempts, nats);
  const words = explanationWords(path, reason);
  return { path, reason, ...words, attempts, ...(nats && { nats }) };
}

function natsOf(entries: readonly TimelineEntry[]): Explanation['nats'] {
  const last = entries.findLast((entry) => entry.kind === 'nats');
  return last?.kind === 'nats' ? { local: last.local, remote: last.remote } : undefined;
}

function meansOf(path: TimelinePath & { kind: 'udp' }, entries: readonly TimelineEntry[]): DirectMeans {
  if (path.socket !== 0) return 'many-sockets';
  const kind = kindOf(path, entries);
  switch (kind) {
    case 'host':
      return 'own-address';
    case 'server-reflexive':
      return 'hole-punching';
    case 'port-mapped':
      return 'port-mapping';
    case 'peer-reflexive':
      return entries.some((entry) => entry.kind === 'guessing' && entry.role === 'easy') ? 'guessed' : 'seen';
    default:
      return assertNever(kind);
  }
}

function obstacle(
  entries: readonly TimelineEntry[],
  attempts: readonly Attempt[],
  nats: Explanation['nats'],
): PathReason {
  const search = entries.findLast(({ kind }) => kind === 'search');
  if (!search) return { code: 'not-searched' };
  const lost = entries.findLast((entry) => entry.kind === 'lost');
  if (lost?.kind === 'lost' && lost.at >= search.at) return { code: 'path-left', loss: lost.reason };
  const [local, remote] = [nats?.local, nats?.remote];
  if (isHard(local) && isHard(remote)) return { code: 'both-nats-hard' };
  const direct = attempts.filter(({ kind }) => kind !== 'relay');
  if (direct.length === 0) return { code: 'no-endpoints' };
  if (isHard(local) || isHard(remote)) {
    const guessed = entries.some(({ kind }) => kind === 'guessing');
    return { code: 'nat-hard', whose: isHard(local) ? 'ours' : 'theirs', guessed };
  }
  if (direct.some(({ result }) => result === 'answered')) return { code: 'not-fit' };
  return { code: 'unanswered', endpoints: direct.length };
}

function latestAttempts(entries: readonly TimelineEntry[]): Attempt[] {
  const start = entries.findLastIndex(({ kind }) => kind === 'search');
  const runs = entries.slice(Math.max(0, start)).filter((entry): entry is ProbeRun => entry.kind === 'probes');
  return runs.map(({ path, sent, answered, rtt }) => ({
    path: path.kind === 'relay' ? 'relay' : path.remote,
    kind: path.kind === 'relay' ? 'relay' : kindOf(path, entries),
    result: answered > 0 ? 'answered' : 'unanswered',
    probes: sent,
    rtt,
  }));
}

/** As the peer named it last; otherwise it was seen. */
function kindOf(path: TimelinePath & { kind: 'udp' }, entries: readonly TimelineEntry[]): Candidate['kind'] {
  for (const entry of [...entries].reverse()) {
    if (entry.kind !== 'candidates') continue;
    const named = entry.candidates.find(({ endpoint }) => endpoint === path.remote);
    if (named) return named.kind;
  }
  return 'peer-reflexive';
}

function isHard(nat: NatTraits | undefined): boolean {
  return nat?.mapping === 'endpoint-dependent';
}
