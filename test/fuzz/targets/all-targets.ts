// Every target that fuzz.spec.ts runs.
import type { FuzzTarget } from '../fuzz-target.js';
import { addressText } from './address-text.js';
import { controlMessage } from './control-message.js';
import { controlSocketLine } from './control-socket-line.js';
import { innerPacket } from './inner-packet.js';
import { joinedPackets } from './joined-packets.js';
import { relayFrame } from './relay-frame.js';
import { routerAnswer } from './router-answer.js';
import { stunMessage } from './stun-message.js';
import { tunnelDatagram } from './tunnel-datagram.js';
import { uapiRequest } from './uapi-request.js';
import { virtioSuperpacket } from './virtio-superpacket.js';
import { wireguardDatagram } from './wireguard-datagram.js';

export const targets: readonly FuzzTarget[] = [
  wireguardDatagram,
  innerPacket,
  virtioSuperpacket,
  joinedPackets,
  uapiRequest,
  stunMessage,
  routerAnswer,
  tunnelDatagram,
  relayFrame,
  controlMessage,
  controlSocketLine,
  addressText,
];
