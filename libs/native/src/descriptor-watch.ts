// Waiting on the event loop until a non-blocking descriptor can be read. Used by libs/tun.

import { koffi } from './koffi-loader.js';
import { type Descriptor, libc } from './libc.js';

/** 'failed': the descriptor reported an error and is watched no longer; a read tells which. */
export type Readiness = 'readable' | 'failed';

export interface DescriptorWatch {
  /** Ends the watch. To be called before the descriptor is closed. May be called again. */
  close(): void;
}

/** 'event-loop' is koffi's libuv poll handle; 'timer' asks poll(2) every 2 ms, for a koffi without that handle. */
export type WatchMechanism = 'event-loop' | 'timer';

const TIMER_INTERVAL_MS = 2;

/** koffi's poll handle ends when its object is collected, so that the open ones are referenced from here. */
const openWatches = new Set<DescriptorWatch>();

/**
 * Calls `onReadiness` again and again for as long as `descriptor` has something to read. Level-triggered: what the
 * handler leaves is reported on the next turn of the loop. Keeps the process alive until closed.
 */
export function watchReadable(
  descriptor: Descriptor,
  onReadiness: (readiness: Readiness) => void,
  mechanism: WatchMechanism = availableMechanism(),
): DescriptorWatch {
  return mechanism === 'event-loop' ? watchOnLoop(descriptor, onReadiness) : watchByTimer(descriptor, onReadiness);
}

function availableMechanism(): WatchMechanism {
  const { node } = koffi() as { node?: { poll?: unknown } };
  return typeof node?.poll === 'function' ? 'event-loop' : 'timer';
}

function watchOnLoop(descriptor: Descriptor, onReadiness: (readiness: Readiness) => void): DescriptorWatch {
  let open = true;
  // koffi calls back from libuv with (status, events) and outside of Node's callback scope: what is thrown there is lost
  // and promises are not run. An immediate of the same loop turn puts both right.
  const handle = koffi().node.poll(descriptor, { readable: true }, (...received: unknown[]) => {
    const [status] = received;
    const readiness = typeof status === 'number' && status < 0 ? 'failed' : 'readable';
    setImmediate(() => {
      if (open) onReadiness(readiness);
    });
  });
  const watch: DescriptorWatch = {
    close() {
      if (!open) return;
      open = false;
      handle.close();
      openWatches.delete(watch);
    },
  };
  openWatches.add(watch);
  return watch;
}

function watchByTimer(descriptor: Descriptor, onReadiness: (readiness: Readiness) => void): DescriptorWatch {
  const { isReadable } = libc();
  const timer = setInterval(() => {
    if (isReadable(descriptor)) onReadiness('readable');
  }, TIMER_INTERVAL_MS);
  return { close: () => clearInterval(timer) };
}
