export { type Call, encodeCall } from './call.js';
export type { Candidate } from './candidate.js';
export { DestinationLimiter } from './destination-limiter.js';
export { classifyNat } from './nat/classify-nat.js';
export { describeNat } from './nat/describe-nat.js';
export type { MappingLifetime, NatDependence, NatFinding, NatReport, PortAllocation } from './nat/nat-report.js';
export { type NatTraits, traitsFromReflexive, traitsOf, UNKNOWN_NAT } from './nat-traits.js';
export { type Attempt, explain, type Explanation, type PathReason } from './explain.js';
export { explanationLines, explanationWords, natWords } from './explanation-words.js';
export { PathAgent } from './path-agent.js';
export type { PathAgentOptions, PathCounters, ProbeDrop, ProbeResult } from './path-agent-types.js';
export type { LossReason, PathEvent, SearchReason } from './path-event.js';
export type { CandidateStatus, PathStatus } from './path-status.js';
export type { PathOutput } from './path-output.js';
export { type ConnectionMeans, type ConnectionPrediction, type HostNetwork, predictConnection } from './prediction.js';
export { PathsError } from './paths-error.js';
export { deriveProbeKeys, type ProbeKeys, zeroProbeKeys } from './probe-keys.js';
export {
  PortMapper,
  type PortMapperEvent,
  type PortMapperOptions,
  type PortMapperOutput,
  type PortMapping,
  type PortMappingProtocol,
  type UnavailableReason,
} from './port-mapping/port-mapper.js';
export { decodeNatPmpResponse, encodeNatPmpAddressRequest, encodeNatPmpMap } from './port-mapping/nat-pmp-message.js';
export {
  decodePcpResponse,
  encodePcpAnnounce,
  encodePcpMap,
  GATEWAY_PORT,
  PCP_NONCE_BYTES,
} from './port-mapping/pcp-message.js';
export { encodeCallMessage, encodeProbeRequest, encodeProbeResponse, openProbe, probeIdOf } from './probe-message.js';
export {
  MAX_TIMELINE_ENTRIES,
  type ProbeRun,
  type Recording,
  type TimelineEntry,
  type TimelinePath,
} from './timeline.js';
export { timelineLines } from './timeline-lines.js';
export { ReflexiveDiscovery, type ReflexiveEvent } from './reflexive-discovery.js';
