// The running process: interface, engine and UAPI socket from start to end. It ends by a signal, when the interface is
// deleted, or when the socket's file is removed. Called by main.ts.

import { chooseCryptoProvider } from '@shadownet/crypto';
import { openLinuxTun } from '@shadownet/tun';
import { Tai64nSource } from '@shadownet/wireguard';
import { wallNanoseconds } from './clock.js';
import type { WgConfig } from './config.js';
import { TimestampFile } from './timestamp-file.js';
import { isServed, UapiSocket, uapiSocketPath } from './uapi-socket.js';
import { VERSION } from './version.js';
import { WgError } from './wg-error.js';
import type { WgLog } from './wg-log.js';
import { WireGuardInterface } from './wireguard-interface.js';

/** That of the kernel's WireGuard: 1,500 less IPv6 (40), UDP (8) and the transport message's own 32. */
const MTU = 1420;

/** How soon a change of the interface's state, or the removal of the socket, is noticed. A packet is noticed at once. */
const WATCH_INTERVAL_MS = 200;

/** Resolves when the interface can be configured; it then goes on until the process ends. Throws WgError, TunError. */
export async function runInForeground(config: WgConfig, log: WgLog): Promise<void> {
  const { interfaceName, stateDirectory } = config;
  const path = uapiSocketPath(interfaceName);
  // Asked before the interface is made: TUNSETIFF would attach to nothing, but its error would name the wrong reason.
  if (await isServed(path)) throw new WgError('already-running', `${interfaceName} already runs: ${path} answers`);
  const crypto = chooseCryptoProvider();
  const tun = await openLinuxTun({ name: interfaceName, mtu: MTU, addresses: [], initialState: 'down' });
  const reservations = new TimestampFile(stateDirectory, interfaceName, (error) =>
    log.event('timestamps-unsaved', { error: error.message }),
  );
  const timestamps = new Tai64nSource({
    wallNanoseconds,
    lastReserved: reservations.read(),
    reserve: (until) => reservations.reserve(until),
  });
  const wireguard = new WireGuardInterface({ tun, crypto, timestamps, log });
  const socket = await UapiSocket.listen(path, wireguard, log);
  process.on('exit', () => socket.close());
  log.event('started', { interface: interfaceName, crypto: crypto.name, version: VERSION });

  const stop = (reason: string): void => {
    log.event('stopping', { reason });
    clearInterval(watch);
    socket.close();
    void wireguard.close().finally(() => process.exit(0));
  };
  const watch = setInterval(() => {
    if (socket.isInPlace()) wireguard.followInterfaceState();
    else stop('the UAPI socket was removed');
  }, WATCH_INTERVAL_MS);
  tun.onClosed((reason) => stop(reason.message));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  wireguard.followInterfaceState();
}
