export { RelayClient, type RelayClientOptions, type StreamEvent } from './client/relay-client.js';
export type {
  RelayClientOutput,
  RelayDescription,
  RelayDownReason,
  RelayEvent,
  RelayId,
  RelayRoute,
  RelayStatus,
  RelayTransport,
} from './client/relay-client-types.js';
export { RelayGreeting } from './client/relay-greeting.js';
export {
  FRAME_HEADER_BYTES,
  MAX_FRAME_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_SIGNAL_BYTES,
  MAX_STREAM_MESSAGE_BYTES,
} from './constants.js';
export { channelOf, FrameType, isRelayFrame, isSessionType } from './frame.js';
export { acceptCounter, hasValidTag, sealFrame } from './frame-protection.js';
export { type Refusal, REFUSALS } from './handshake-frames.js';
export type { Admission, AdmissionResult } from './server/admission.js';
export { DROP_REASONS, type DropReason, type RelayCounters } from './server/relay-counters.js';
export type { RelayLink, RelayServerOutput } from './server/relay-link.js';
export { DEFAULT_RELAY_LIMITS, type RelayLimits, RelayServer, type RelayServerOptions } from './server/relay-server.js';
export type { ClientLimits } from './server/server-session.js';
export { type Epochs, type RelaySessionRef, RelaySessionTable } from './session-table.js';
export { readStreamMessage, StreamMessageWriter } from './stream-message.js';
export { issueRevocation, openRevocation, REVOCATION_BYTES, type Revocation } from './revocation.js';
export type { TicketSigner } from './signed-statement.js';
export { issueTicket, TicketAdmission } from './ticket.js';
