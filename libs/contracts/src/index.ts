export {
  type AuditEntry,
  auditEntrySchema,
  type AuditFacts,
  type AuditPage,
  auditPageSchema,
  type AuditQuery,
  auditQuerySchema,
} from './audit.js';
export { type CallRequest, callRequestSchema, type CallResponse, callResponseSchema, MAX_CALL_BYTES } from './call.js';
export { type CandidateMessage, candidateSchema, MAX_CANDIDATES, type MapVersion, mapVersionSchema } from './fields.js';
export {
  type GoodbyeRequest,
  goodbyeRequestSchema,
  type GoodbyeResponse,
  goodbyeResponseSchema,
  type HeartbeatRequest,
  heartbeatRequestSchema,
  type HeartbeatResponse,
  heartbeatResponseSchema,
  type LinkPath,
  type LinkReport,
  linkReportSchema,
  type LinkState,
} from './heartbeat.js';
export {
  readRequestSignature,
  type SignatureCrypto,
  type SignatureHeaders,
  type SignatureParameters,
  type SignatureRefusal,
  type SignedRequest,
  signEvent,
  signRequest,
  signResponse,
  verifyEvent,
  verifyRequest,
  verifyResponse,
} from './message-signature.js';
export { type NatMessage, type Netcheck, type NetcheckFamily, type NetcheckRelay, netcheckSchema } from './netcheck.js';
export {
  formatMapVersion,
  type MapDelta,
  mapDeltaSchema,
  type MapUpdateMessage,
  mapUpdateSchema,
  type NetworkMap,
  type NetworkMapPage,
  networkMapPageSchema,
  networkMapSchema,
  parseMapVersion,
  type Peer,
  peerSchema,
} from './network-map.js';
export { type Overview, type OverviewLink, type OverviewNode, overviewSchema } from './overview.js';
export {
  type Account,
  type AccountChange,
  accountChangeSchema,
  accountNameSchema,
  type Accounts,
  accountSchema,
  accountsSchema,
  type ApiToken,
  type ApiTokens,
  apiTokenSchema,
  apiTokensSchema,
  type CreatedApiToken,
  createdApiTokenSchema,
  type Done,
  doneSchema,
  type NewAccount,
  newAccountSchema,
  type NewApiToken,
  newApiTokenSchema,
  type PasswordChange,
  passwordChangeSchema,
  type Role,
  roleSchema,
  type SessionInfo,
  sessionInfoSchema,
  type Setup,
  type SetupLink,
  setupLinkSchema,
  setupSchema,
  type SignIn,
  signInSchema,
} from './people.js';
export {
  type ExplanationReport,
  explanationReportSchema,
  type LinkDetails,
  linkDetailsSchema,
  MAX_ATTEMPTS,
  MAX_EXPLANATIONS,
  type PathAttempt,
  type PathExplanation,
  pathExplanationSchema,
  type ShownExplanation,
} from './path-explanation.js';
export { MAX_BODY_BYTES, type Problem, type ProblemCode, problemCodes, problemSchema } from './problem.js';
export {
  type ExportedRecording,
  exportedRecordingSchema,
  MAX_RECORDED_ENTRIES,
  MAX_RECORDING_FILE_BYTES,
  type RecordingMessage,
  recordingSchema,
} from './recording.js';
export {
  type RegisterRequest,
  registerRequestSchema,
  type RegisterResponse,
  registerResponseSchema,
} from './registration.js';
export { homeRelaySchema, type Relay, relayIdSchema, relaySchema, relaysSchema } from './relay.js';
export { type ServerInfo, serverInfoSchema } from './server-info.js';
export {
  STREAM_KEEPALIVE_MS,
  type StreamEnvelope,
  streamEnvelopeSchema,
  type StreamEvent,
  streamEventSchema,
} from './stream-event.js';
