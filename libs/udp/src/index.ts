export type { DatagramHandler, UdpCounters, UdpSocket } from './udp-socket.js';
