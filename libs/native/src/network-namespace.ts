// Other network namespaces than the process's: one of its own for tests of real interfaces, so that the machine's stays
// untouched, and a look into the one that a TUN was moved to.

import { CLONE_NEWNET, type Descriptor, libc } from './libc.js';
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

/**
 * Runs `action` with the calling thread inside the namespace that the descriptor stands for. What it opens stays there.
 * Throws NativeError 'syscall-failed' (EPERM without CAP_SYS_ADMIN), and then `action` has not run.
 */
export function insideNetworkNamespace<T>(namespace: Descriptor, action: () => T): T {
  const { open, close, setns } = libc();
  const previous = open('/proc/thread-self/ns/net', 0);
  try {
    setns(namespace, CLONE_NEWNET);
    try {
      return action();
    } finally {
      setns(previous, CLONE_NEWNET);
    }
  } finally {
    close(previous);
  }
}
