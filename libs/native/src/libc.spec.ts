import { describe, expect, it } from 'vitest';

import { processArena } from './arena.js';
import { errnoName } from './errno.js';
import { AF_INET, F_GETFD, F_GETFL, libc, O_NONBLOCK, O_RDWR, SOCK_DGRAM } from './libc.js';

const FD_CLOEXEC = 1;

describe('errnoName', () => {
  it('names the numbers of either sign', () => {
    expect(errnoName(1)).toBe('EPERM');
    expect(errnoName(-11)).toBe('EAGAIN');
    expect(errnoName(77)).toBe('EBADFD');
  });

  it('shows a number that it does not know', () => {
    expect(errnoName(-4000)).toBe('errno-4000');
  });
});

describe.skipIf(process.platform !== 'linux')('libc (Linux only)', () => {
  it('throws the errno of a set-up call that fails', () => {
    expect(() => libc().open('/nowhere/at-all', O_RDWR)).toThrow(
      expect.objectContaining({ code: 'syscall-failed', errno: 'ENOENT', message: 'open /nowhere/at-all: ENOENT' }),
    );
    expect(() => libc().close(-1)).toThrow(expect.objectContaining({ errno: 'EBADF' }));
  });

  it('opens every descriptor close-on-exec', () => {
    const { open, socket, eventfd, fcntl, close } = libc();
    for (const descriptor of [open('/dev/null', O_RDWR), socket(AF_INET, SOCK_DGRAM, 0), eventfd()]) {
      expect(fcntl(descriptor, F_GETFD, 0)).toBe(FD_CLOEXEC);
      close(descriptor);
    }
  });

  it('opens non-blocking when asked to', () => {
    const { open, fcntl, close } = libc();
    const descriptor = open('/dev/null', O_RDWR | O_NONBLOCK);
    expect(fcntl(descriptor, F_GETFL, 0) & O_NONBLOCK).toBe(O_NONBLOCK);
    close(descriptor);
  });

  it('returns what a read or write of the packet path fails with', () => {
    const { eventfd, read, write, close } = libc();
    const block = processArena().allocate(8);
    const descriptor = eventfd();
    expect(errnoName(read(descriptor, block))).toBe('EAGAIN');
    close(descriptor);
    expect(errnoName(read(descriptor, block))).toBe('EBADF');
    expect(errnoName(write(descriptor, block, 8))).toBe('EBADF');
    processArena().release(block);
  });

  it('never lets the kernel read past a block', () => {
    const block = processArena().allocate(8);
    expect(() => libc().write(-1, block, 9)).toThrow(RangeError);
    processArena().release(block);
  });

  it('knows whether a read would wait', () => {
    const { eventfd, write, isReadable, close } = libc();
    const block = processArena().allocate(8);
    const descriptor = eventfd();
    expect(isReadable(descriptor)).toBe(false);
    block.bytes[0] = 1;
    write(descriptor, block, 8);
    expect(isReadable(descriptor)).toBe(true);
    close(descriptor);
    processArena().release(block);
  });
});
