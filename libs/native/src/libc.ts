// System calls through koffi. Set-up calls throw NativeError 'syscall-failed'; the two of the packet path, read and write,
// return `-errno` as the kernel does, so that a full queue costs no exception. Addresses go in as JS numbers.

import type { PinnedBlock } from './arena.js';
import { processArena } from './arena.js';
import { LITTLE_ENDIAN } from './byte-order.js';
import { errnoName } from './errno.js';
import { koffi } from './koffi-loader.js';
import { NativeError } from './native-error.js';

// Values of asm-generic, which every supported architecture shares (koffi-loader.ts).
export const O_RDWR = 0o2;
export const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const SOCK_CLOEXEC = O_CLOEXEC;
const EFD_NONBLOCK = O_NONBLOCK;
const EFD_CLOEXEC = O_CLOEXEC;
const POLLIN = 0x1;
/** uapi/linux/sched.h. */
export const CLONE_NEWNET = 0x40000000;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const FD_CLOEXEC = 1;

/** A file descriptor: a small non-negative integer. */
export type Descriptor = number;

/** Every descriptor made here is close-on-exec: a spawned child must not keep an interface or a socket alive. */
export interface Libc {
  open(path: string, flags: number): Descriptor;
  socket(domain: number, type: number, protocol: number): Descriptor;
  /** A non-blocking eventfd with counter 0. */
  eventfd(): Descriptor;
  close(descriptor: Descriptor): void;
  /** Reads into the block from its start. The number of bytes, or `-errno`. */
  read(descriptor: Descriptor, into: PinnedBlock): number;
  /** Writes the block's first `length` bytes. The number of bytes taken, or `-errno`. */
  write(descriptor: Descriptor, from: PinnedBlock, length: number): number;
  /** `argument` is what the request's structure lies in; it is changed by requests that answer. */
  ioctl(descriptor: Descriptor, request: number, argument: PinnedBlock, requestName: string): void;
  /** For requests without an argument that answer with a new descriptor. */
  ioctlForDescriptor(descriptor: Descriptor, request: number, requestName: string): Descriptor;
  /** For requests whose argument is a number. */
  ioctlNumber(descriptor: Descriptor, request: number, argument: number, requestName: string): void;
  fcntl(descriptor: Descriptor, command: number, argument: number): number;
  /** Sets an option whose value is a C int. */
  setsockopt(socket: Descriptor, level: number, option: number, value: number, optionName: string): void;
  /** Binds to the socket address that lies in the block. */
  bind(socket: Descriptor, address: PinnedBlock): void;
  /** True if a read would not block (data, end, or an error to be read). Does not wait. */
  isReadable(descriptor: Descriptor): boolean;
  /** Moves the calling thread into new namespaces. */
  unshare(flags: number): void;
  /** Moves the calling thread into the namespace that the descriptor stands for. */
  setns(descriptor: Descriptor, type: number): void;
}

let bound: Libc | undefined;

/** The calls, bound once per process. Throws NativeError 'native-unavailable' where koffi is missing. */
export function libc(): Libc {
  bound ??= bindLibc();
  return bound;
}

function bindLibc(): Libc {
  const { load, errno } = koffi();
  const library = load(null);
  // koffi knows no ssize_t; intptr_t has its width everywhere. Variadic arguments are declared as plain ones: integers
  // travel in the same registers in the C ABIs of the supported architectures.
  const open = library.func('open', 'int', ['str', 'int']) as (path: string, flags: number) => number;
  const socket = library.func('socket', 'int', ['int', 'int', 'int']) as (...domainTypeProtocol: number[]) => number;
  const eventfd = library.func('eventfd', 'int', ['uint', 'int']) as (...initialAndFlags: number[]) => number;
  const close = library.func('close', 'int', ['int']) as (fd: number) => number;
  const read = library.func('read', 'intptr_t', ['int', 'uintptr_t', 'size_t']) as TransferCall;
  const write = library.func('write', 'intptr_t', ['int', 'uintptr_t', 'size_t']) as TransferCall;
  const ioctl = library.func('ioctl', 'int', ['int', 'uintptr_t', 'uintptr_t']) as TransferCall;
  const fcntl = library.func('fcntl', 'int', ['int', 'int', 'intptr_t']) as TransferCall;
  const poll = library.func('poll', 'int', ['uintptr_t', 'uintptr_t', 'int']) as TransferCall;
  const setsockopt = library.func('setsockopt', 'int', ['int', 'int', 'int', 'uintptr_t', 'uint']) as (
    ...fdLevelOptionAddressLength: number[]
  ) => number;
  const bind = library.func('bind', 'int', ['int', 'uintptr_t', 'uint']) as TransferCall;
  const unshare = library.func('unshare', 'int', ['int']) as (flags: number) => number;
  const setns = library.func('setns', 'int', ['int', 'int']) as (...descriptorAndType: number[]) => number;

  /** Hands a result through, or throws what errno says. Nothing may come between the call and this. */
  const check = (call: string, result: number): number => {
    if (result >= 0) return result;
    const name = errnoName(errno());
    throw new NativeError('syscall-failed', `${call}: ${name}`, { errno: name });
  };
  const optionValue = processArena().allocate(4);
  const pollDescriptor = processArena().allocate(8);
  const pollFields = new DataView(pollDescriptor.bytes.buffer, pollDescriptor.bytes.byteOffset, 8);

  return {
    open: (path, flags) => check(`open ${path}`, open(path, flags | O_CLOEXEC)),
    socket: (domain, type, protocol) => check('socket', socket(domain, type | SOCK_CLOEXEC, protocol)),
    eventfd: () => check('eventfd', eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
    close: (descriptor) => void check('close', close(descriptor)),
    read(descriptor, into) {
      const count = read(descriptor, into.address, into.bytes.length);
      return count < 0 ? -errno() : count;
    },
    write(descriptor, from, length) {
      if (length > from.bytes.length) throw new RangeError(`${length} bytes of a ${from.bytes.length}-byte block`);
      const count = write(descriptor, from.address, length);
      return count < 0 ? -errno() : count;
    },
    ioctl: (descriptor, request, argument, requestName) =>
      void check(`ioctl ${requestName}`, ioctl(descriptor, request, argument.address)),
    ioctlForDescriptor: (descriptor, request, requestName) =>
      check(`ioctl ${requestName}`, ioctl(descriptor, request, 0)),
    ioctlNumber: (descriptor, request, argument, requestName) =>
      void check(`ioctl ${requestName}`, ioctl(descriptor, request, argument)),
    fcntl: (descriptor, command, argument) => check('fcntl', fcntl(descriptor, command, argument)),
    setsockopt(socket, level, option, value, optionName) {
      new DataView(optionValue.bytes.buffer, optionValue.bytes.byteOffset, 4).setInt32(0, value, LITTLE_ENDIAN);
      check(`setsockopt ${optionName}`, setsockopt(socket, level, option, optionValue.address, 4));
    },
    bind: (socket, address) => void check('bind', bind(socket, address.address, address.bytes.length)),
    isReadable(descriptor) {
      // struct pollfd { int fd; short events; short revents; }
      pollFields.setInt32(0, descriptor, LITTLE_ENDIAN);
      pollFields.setInt16(4, POLLIN, LITTLE_ENDIAN);
      return check('poll', poll(pollDescriptor.address, 1, 0)) > 0;
    },
    unshare: (flags) => void check('unshare', unshare(flags)),
    setns: (descriptor, type) => void check('setns', setns(descriptor, type)),
  };
}

/** (descriptor or address, number, address or length) → a count, or -1. */
type TransferCall = (first: number, second: number, third: number) => number;
