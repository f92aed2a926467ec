// What explain.ts found, in words: one sentence for each reason, and what would make the path direct. Pure. Used by the CLI, and by
// the control server, which gets reasons from nodes and makes the sentences for the dashboard itself.

import { assertNever } from '@shadownet/primitives';
import type { Attempt, Explanation, PathReason } from './explain.js';
import type { NatTraits } from './nat-traits.js';
import type { LossReason } from './path-event.js';

export function explanationWords(
  path: Explanation['path'],
  reason: PathReason,
): Pick<Explanation, 'verdict' | 'remedies'> {
  if (reason.code === 'direct') return { verdict: directWords(reason), remedies: [] };
  const outcome = path === 'none' ? 'no path' : 'relayed';
  return { verdict: `${obstacleWords(reason)}: ${outcome}`, remedies: remediesFor(reason) };
}

function directWords({ means, remote }: PathReason & { code: 'direct' }): string {
  switch (means) {
    case 'own-address':
      return `direct to ${remote}, an address of the peer's own`;
    case 'hole-punching':
      return `direct to ${remote}, where STUN servers see the peer: the NATs let it in by hole punching`;
    case 'port-mapping':
      return `direct to ${remote}, which the peer's router forwards`;
    case 'seen':
      return `direct to ${remote}, where the peer sends from, as its own probes showed`;
    case 'guessed':
      return `direct to ${remote}, where the peer sends from, found by trying ports of its NAT`;
    case 'many-sockets':
      return `direct to ${remote}: one of many sockets hit the port that the peer's NAT let in`;
    default:
      return assertNever(means);
  }
}

function obstacleWords(reason: Exclude<PathReason, { code: 'direct' }>): string {
  switch (reason.code) {
    case 'not-searched':
      return 'no data has asked for a direct path yet';
    case 'path-left':
      return `the direct path was left: ${LOSSES[reason.loss]}`;
    case 'both-nats-hard':
      return 'both NATs allocate a new port per destination';
    case 'no-endpoints':
      return 'the peer named no endpoint that can be tried';
    case 'nat-hard': {
      const whose = reason.whose === 'ours' ? 'our NAT' : "the peer's NAT";
      const guessed = reason.guessed ? ', and no guess hit it' : '';
      return `${whose} allocates a new port per destination, which the other side does not let in${guessed}`;
    }
    case 'not-fit':
      return 'an endpoint answers, but the path is not fit for data';
    case 'unanswered':
      return `none of ${reason.endpoints} endpoints answered`;
    default:
      return assertNever(reason);
  }
}

function remediesFor({ code }: Exclude<PathReason, { code: 'direct' }>): readonly string[] {
  switch (code) {
    case 'both-nats-hard':
    case 'nat-hard':
      return [FORWARD_A_PORT, USE_IPV6];
    case 'no-endpoints':
      return [USE_UDP];
    case 'unanswered':
      return [USE_UDP, FORWARD_A_PORT];
    case 'not-searched':
    case 'path-left':
    case 'not-fit':
      return [];
    default:
      return assertNever(code);
  }
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
  if (nats) lines.push(`Our NAT: ${natWords(nats.local)}. The peer's: ${natWords(nats.remote)}.`);
  if (remedies.length > 0) lines.push(`What would make it direct: ${remedies.join(', or ')}.`);
  for (const attempt of attempts) lines.push(`  ${attemptLine(attempt)}`);
  return lines;
}

/** How a NAT maps, in words. */
export function natWords({ mapping, allocation }: NatTraits): string {
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
