export { type AnswerAgainKeys, LONGEST_ANSWER_AGAIN } from './answer-again.js';
export { AttributeType, FIRST_COMPREHENSION_OPTIONAL } from './attribute-types.js';
export {
  BindingServer,
  type BindingServerCounters,
  type BindingServerOptions,
  type BindingServerOutput,
  MAX_ANSWER_BYTES,
} from './binding-server.js';
export { decodeStunMessage, type StunDecodeError, type StunDecodeResult } from './decoder.js';
export { encodeStunMessage, type StunMessageContent } from './encoder.js';
export { type Hmac, verifyMessageIntegrity, verifyMessageIntegritySha256 } from './message-integrity.js';
export {
  type LifetimeTests,
  NatBehaviourDiscovery,
  type NatBehaviourDiscoveryOptions,
  type NatTestOutput,
  type NatTestServer,
  natTestSockets,
} from './nat/nat-behaviour-discovery.js';
export type { NatSample } from './nat/nat-sample.js';
export type { ServerSocket } from './server-sockets.js';
export { StunError } from './stun-error.js';
export {
  attributeTypeOf,
  BINDING,
  findAttribute,
  mappedEndpoint,
  type StunAttribute,
  type StunClass,
  type StunContentAttribute,
  type StunMessage,
  unknownRequiredTypes,
} from './stun-message.js';
export {
  FINAL_WAIT_FACTOR,
  INITIAL_RETRANSMISSION_TIMEOUT,
  MAX_TRANSMISSIONS,
  type RetransmissionSchedule,
  type StunOutput,
  type StunRequest,
  StunTransaction,
  type StunTransactionState,
} from './stun-transaction.js';
export { isStunMessage, TRANSACTION_ID_BYTES } from './wire-format.js';
