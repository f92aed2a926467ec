// What two ends tell each other of their NATs, as far as it decides how they try to reach each other (RFC 4787 §4).

import { assertNever, type Endpoint, endpointsEqual, ipAddressesEqual } from '@shadownet/primitives';
import type { NatReport, PortAllocation } from './nat/nat-report.js';

export interface NatTraits {
  /** 'endpoint-independent' where there is no NAT, too. */
  readonly mapping: 'endpoint-independent' | 'endpoint-dependent' | 'unknown';
  readonly allocation: PortAllocation;
}

/** Of both sides, as far as each knows its own. */
export interface NatPair {
  readonly local: NatTraits;
  readonly remote: NatTraits;
}

export const UNKNOWN_NAT: NatTraits = { mapping: 'unknown', allocation: { kind: 'unknown' } };

/** The traits that follow from what `netcheck` found. */
export function traitsOf(report: NatReport): NatTraits {
  switch (report.kind) {
    case 'udp-blocked':
      return UNKNOWN_NAT;
    case 'no-nat':
      return { mapping: 'endpoint-independent', allocation: { kind: 'preserving' } };
    case 'nat': {
      const { mapping, allocation } = report;
      if (mapping === 'not-tested') return { mapping: 'unknown', allocation };
      const isIndependent = mapping.dependence === 'endpoint-independent';
      return { mapping: isIndependent ? 'endpoint-independent' : 'endpoint-dependent', allocation };
    }
    default:
      return assertNever(report);
  }
}

/** Ports that two mappings made one after the other lie apart at most if the NAT counts up or down. */
const LONGEST_STEP = 16;

/**
 * The traits that follow from what several STUN servers saw one socket as, in the order of asking: the same endpoint, or
 * others at the same address. One answer tells nothing of the mapping.
 */
export function traitsFromReflexive(seen: readonly Endpoint[], localPort: number | undefined): NatTraits {
  const [first, second] = seen;
  if (!first || !second) return UNKNOWN_NAT;
  if (seen.every((one) => endpointsEqual(one, first))) {
    return {
      mapping: 'endpoint-independent',
      allocation: { kind: first.port === localPort ? 'preserving' : 'unknown' },
    };
  }
  const steps = seen.slice(1).map((one, i) => one.port - seen[i]!.port);
  const [step] = steps;
  const isSequence =
    step !== undefined &&
    step !== 0 &&
    Math.abs(step) <= LONGEST_STEP &&
    steps.every((one) => one === step) &&
    seen.every(({ address }) => ipAddressesEqual(address, first.address));
  return {
    mapping: 'endpoint-dependent',
    allocation: isSequence ? { kind: 'sequential', step } : { kind: 'random' },
  };
}
