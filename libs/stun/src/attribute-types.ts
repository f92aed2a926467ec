// The numbers of STUN attributes that the codec knows (RFC 8489 §18.3, RFC 5780 §7), and our own.

/** Attributes below this number must be understood by whoever receives them, the others may be skipped (RFC 8489 §14). */
export const FIRST_COMPREHENSION_OPTIONAL = 0x8000;

/**
 * SHADOWNET-PROBE-COUNTER, -PROBE-PADDING, -ANSWER-AGAIN, -PATH-REPORT and -CALL are ours. They lie in the range that RFC 8489
 * §18.3.2 leaves to designated experts, comprehension-optional and unassigned, so that any STUN tool can still read our messages:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------------------------------+-------------------------------+
 *     |        type = 0xE51D          |          length = 8           |
 *     +-------------------------------+-------------------------------+
 *     |   counter: unsigned, big-endian, higher in every request of   |
 *     |   this sender to this peer, also after a restart              |
 *     +---------------------------------------------------------------+
 *
 *     +-------------------------------+-------------------------------+
 *     |        type = 0xE51E          |     length = n (any ≥ 0)      |
 *     +-------------------------------+-------------------------------+
 *     |   n zero bytes, ignored when read: they make a request as     |
 *     |   long as its longest answer, so that no answer amplifies, or |
 *     |   as long as the data whose size is to be tried on a path     |
 *     +---------------------------------------------------------------+
 *
 *     +-------------------------------+-------------------------------+
 *     |        type = 0xE51F          |          length = 4           |
 *     +-------------------------------+-------------------------------+
 *     |   in a request: answer a second time after so many ms; in the |
 *     |   first answer: it will come after so many ms; in it itself: 0|
 *     +---------------------------------------------------------------+
 *
 *     +-------------------------------+-------------------------------+
 *     |        type = 0xE520          |          length = 6           |
 *     +-------------------------------+-------------------------------+
 *     |   SHADOWNET-PATH-REPORT: data packets that came on the path   |
 *     +-------------------------------+-------------------------------+
 *     |  bytes of the largest lately  |
 *     +-------------------------------+
 *
 *     +-------------------------------+-------------------------------+
 *     |        type = 0xE521          |          length = n           |
 *     +-------------------------------+-------------------------------+
 *     |   SHADOWNET-CALL: where to find the sender (libs/paths)       |
 *     +---------------------------------------------------------------+
 */
export const AttributeType = {
  mappedAddress: 0x0001,
  changeRequest: 0x0003,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  software: 0x8022,
  fingerprint: 0x8028,
  responseOrigin: 0x802b,
  otherAddress: 0x802c,
  probeCounter: 0xe51d,
  probePadding: 0xe51e,
  answerAgain: 0xe51f,
  pathReport: 0xe520,
  call: 0xe521,
} as const;
