// Why a path is what it is, in one sentence, and what would change it: a pure function of a recording (timeline.ts).

import { assertNever } from '@shadownet/primitives';
import type { NatTraits } from './nat-traits.js';
import type { LossReason } from './path-event.js';
import type { ProbeRun, Recording, TimelineEntry, TimelinePath } from './timeline.js';

export interface Explanation {
  /** Where data goes: by a direct path, by the relay, or nowhere. */
  readonly path: 'direct' | 'relay' | 'none';
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
  readonly kind: string;
  readonly result: 'answered' | 'unanswered';
  readonly probes: number;
  readonly rtt: number | null;
}

export function explain({ entries, current }: Recording): Explanation {
  const attempts = latestAttempts(entries);
  const nats = natsOf(entries);
  const found = { attempts, ...(nats && { nats }) };
  if (current?.kind === 'udp') {
    return { path: 'direct', verdict: directVerdict(current, entries), remedies: [], ...found };
  }
  const { reason, remedies } = obstacle(entries, attempts, nats);
  const path = current ? 'relay' : 'none';
  return { path, verdict: `${reason}: ${current ? 'relayed' : 'no path'}`, remedies, ...found };
}

function natsOf(entries: readonly TimelineEntry[]): Explanation['nats'] {
  const last = entries.findLast((entry) => entry.kind === 'nats');
  return last?.kind === 'nats' ? { local: last.local, remote: last.remote } : undefined;
}

function directVerdict(path: TimelinePath & { kind: 'udp' }, entries: readonly TimelineEntry[]): string {
  if (path.socket !== 0) return `direct to ${path.remote}: one of many sockets hit the port that the peer's NAT let in`;
  switch (kindOf(path, entries)) {
    case 'host':
      return `direct to ${path.remote}, an address of the peer's own`;
    case 'server-reflexive':
      return `direct to ${path.remote}, where STUN servers see the peer: the NATs let it in by hole punching`;
    case 'port-mapped':
      return `direct to ${path.remote}, which the peer's router forwards`;
    default: {
      const wasGuessed = entries.some((entry) => entry.kind === 'guessing' && entry.role === 'easy');
      const how = wasGuessed ? 'found by trying ports of its NAT' : 'as its own probes showed';
      return `direct to ${path.remote}, where the peer sends from, ${how}`;
    }
  }
}

function obstacle(
  entries: readonly TimelineEntry[],
  attempts: readonly Attempt[],
  nats: Explanation['nats'],
): { readonly reason: string; readonly remedies: readonly string[] } {
  const search = entries.findLast(({ kind }) => kind === 'search');
  if (!search) return { reason: 'no data has asked for a direct path yet', remedies: [] };
  const lost = entries.findLast((entry) => entry.kind === 'lost');
  if (lost?.kind === 'lost' && lost.at >= search.at) {
    return { reason: `the direct path was left: ${LOSSES[lost.reason]}`, remedies: [] };
  }
  const [local, remote] = [nats?.local, nats?.remote];
  if (isHard(local) && isHard(remote)) {
    return { reason: 'both NATs allocate a new port per destination', remedies: [FORWARD_A_PORT, USE_IPV6] };
  }
  const direct = attempts.filter(({ kind }) => kind !== 'relay');
  if (direct.length === 0) return { reason: 'the peer named no endpoint that can be tried', remedies: [USE_UDP] };
  if (isHard(local) || isHard(remote)) {
    const whose = isHard(local) ? 'our NAT' : "the peer's NAT";
    const guessed = entries.some(({ kind }) => kind === 'guessing') ? ', and no guess hit it' : '';
    const reason = `${whose} allocates a new port per destination, which the other side does not let in${guessed}`;
    return { reason, remedies: [FORWARD_A_PORT, USE_IPV6] };
  }
  if (direct.some(({ result }) => result === 'answered')) {
    return { reason: 'an endpoint answers, but the path is not fit for data', remedies: [] };
  }
  return { reason: `none of ${direct.length} endpoints answered`, remedies: [USE_UDP, FORWARD_A_PORT] };
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
function kindOf(path: TimelinePath & { kind: 'udp' }, entries: readonly TimelineEntry[]): string {
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

const FORWARD_A_PORT = 'a port mapping (UPnP, NAT-PMP or PCP) on either router';
const USE_IPV6 = 'IPv6 on both sides';
const USE_UDP = 'UDP let out by both networks';

const LOSSES: Readonly<Record<LossReason, string>> = {
  'keepalive-unanswered': 'its keepalives stayed unanswered',
  'data-unanswered': 'data and probes stayed unanswered',
  'data-stopped': 'data stopped coming, and probes stayed unanswered',
  'peer-moved': 'the peer sends from elsewhere',
  'check-requested': 'it did not answer a check',
  'peer-searches': 'it did not answer when the peer searched',
  'full-size-lost': 'it carries probes, but loses full-sized data',
  idle: 'no data for some minutes',
  'relay-gone': 'the relay is gone',
};

/** An explanation as lines for people. */
export function explanationLines({ verdict, remedies, nats, attempts }: Explanation): string[] {
  const lines = [`${verdict.slice(0, 1).toUpperCase()}${verdict.slice(1)}.`];
  if (nats) lines.push(`Our NAT: ${natLine(nats.local)}. The peer's: ${natLine(nats.remote)}.`);
  if (remedies.length > 0) lines.push(`What would make it direct: ${remedies.join(', or ')}.`);
  for (const attempt of attempts) lines.push(`  ${attemptLine(attempt)}`);
  return lines;
}

function natLine({ mapping, allocation }: NatTraits): string {
  switch (mapping) {
    case 'endpoint-independent':
      return 'none, or one outside port for all destinations';
    case 'endpoint-dependent':
      return `another outside port per destination, ${allocation.kind === 'sequential' ? 'in sequence' : 'at random'}`;
    case 'unknown':
      return 'not known';
    default:
      return assertNever(mapping);
  }
}

function attemptLine({ path, kind, result, probes, rtt }: Attempt): string {
  switch (result) {
    case 'answered':
      return `${kind} ${path}: answered after ${rtt} ms (${probes} probes)`;
    case 'unanswered':
      return `${kind} ${path}: no answer to ${probes} probes`;
    default:
      return assertNever(result);
  }
}
