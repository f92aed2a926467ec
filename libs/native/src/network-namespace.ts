// A network of its own for the calling thread: what tests of real interfaces run in, so that the machine's stays untouched.

import { CLONE_NEWNET, libc } from './libc.js';
import { setInterfaceUp } from './netdevice.js';

/**
 * Moves the calling thread, and the processes that it spawns from now on, into a fresh network namespace with only
 * loopback in it. Sockets and interfaces that are open already stay where they are. Returns the way back; the namespace
 * ends with the last thing that uses it. Throws NativeError 'syscall-failed' (EPERM without CAP_SYS_ADMIN).
 */
export function enterFreshNetworkNamespace(): () => void {
  const { open, close, setns, unshare } = libc();
  const previous = open('/proc/thread-self/ns/net', 0);
  try {
    unshare(CLONE_NEWNET);
  } catch (error) {
    close(previous);
    throw error;
  }
  setInterfaceUp('lo');
  return () => {
    setns(previous, CLONE_NEWNET);
    close(previous);
  };
}
