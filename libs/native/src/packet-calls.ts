// The system calls of the packet path. All return what the kernel returns, with `-errno` for an error, and take addresses as
// JS numbers: nothing is allocated for a call. Used by libs/dataplane, libs/udp and libs/tun.

import { koffi } from './koffi-loader.js';
import type { Descriptor } from './libc.js';
import { requirePacketMachine } from './machine.js';

export const MSG_DONTWAIT = 0x40;

export interface PacketCalls {
  read(descriptor: Descriptor, address: number, length: number): number;
  write(descriptor: Descriptor, address: number, length: number): number;
  /** Writes what `count` iovecs at `address` point to, as one packet. */
  writev(descriptor: Descriptor, address: number, count: number): number;
  /** `address` is that of a msghdr (message-header.ts). */
  sendmsg(descriptor: Descriptor, address: number, flags: number): number;
  recvmsg(descriptor: Descriptor, address: number, flags: number): number;
  /** Waits at most `timeout` ms for one of `count` pollfds at `address`. */
  poll(address: number, count: number, timeout: number): number;
  bind(descriptor: Descriptor, address: number, length: number): number;
  getsockname(descriptor: Descriptor, address: number, lengthAddress: number): number;
  setsockopt(descriptor: Descriptor, level: number, option: number, address: number, length: number): number;
}

let bound: PacketCalls | undefined;

/** The calls, bound once per thread. Throws NativeError 'native-unavailable' where they cannot be had. */
export function packetCalls(): PacketCalls {
  bound ??= bindPacketCalls();
  return bound;
}

function bindPacketCalls(): PacketCalls {
  requirePacketMachine();
  const { load, errno } = koffi();
  const library = load(null);
  const bindCall = (name: string, result: string, parameters: string[]): Call => {
    const call = library.func(name, result, parameters) as Call;
    return (...numbers) => {
      const value = call(...numbers);
      return value < 0 ? -errno() : value;
    };
  };
  return {
    read: three(library.func('read', 'int64_t', ['int', 'int64_t', 'int64_t']), errno),
    write: three(library.func('write', 'int64_t', ['int', 'int64_t', 'int64_t']), errno),
    writev: three(library.func('writev', 'int64_t', ['int', 'int64_t', 'int']), errno),
    sendmsg: three(library.func('sendmsg', 'int64_t', ['int', 'int64_t', 'int']), errno),
    recvmsg: three(library.func('recvmsg', 'int64_t', ['int', 'int64_t', 'int']), errno),
    poll: three(library.func('poll', 'int', ['int64_t', 'int64_t', 'int']), errno),
    bind: bindCall('bind', 'int', ['int', 'int64_t', 'int']),
    getsockname: bindCall('getsockname', 'int', ['int', 'int64_t', 'int64_t']),
    setsockopt: bindCall('setsockopt', 'int', ['int', 'int', 'int', 'int64_t', 'int']),
  };
}

type Call = (...numbers: number[]) => number;
type ThreeNumberCall = (first: number, second: number, third: number) => number;

/** Without rest parameters, which would cost an array for each packet. */
function three(call: ThreeNumberCall, errno: () => number): ThreeNumberCall {
  return (first, second, third) => {
    const value = call(first, second, third);
    return value < 0 ? -errno() : value;
  };
}
