// The running process: interface, engine and UAPI socket from start to end. It ends by a signal, when the interface is
// deleted, or when the socket's file is removed. Called by main.ts.

import { setTimeout } from 'node:timers/promises';
import { chooseCryptoProvider, nodeCandidate } from '@shadownet/crypto';
import { evpCandidate } from '@shadownet/crypto/evp';
import { interfaceIndex, NativeError, watchNetworkChanges } from '@shadownet/native';
import { openDataPlane } from '@shadownet/dataplane';
import type { PublicKey } from '@shadownet/primitives';
import { isServed, UapiSocket, uapiSocketPath } from '@shadownet/uapi';
import { Tai64nSource } from '@shadownet/wireguard';
import { monotonicNow, wallNanoseconds } from './clock.js';
import type { WgConfig } from './config.js';
import { TimestampStore } from './timestamp-store.js';
import { VERSION } from './version.js';
import { WgError } from './wg-error.js';
import type { WgLog } from './wg-log.js';
import { WireGuardInterface } from './wireguard-interface.js';

/** That of the kernel's WireGuard: 1,500 less IPv6 (40), UDP (8) and the transport message's own 32. */
const MTU = 1420;

/**
 * How soon a change of the interface's state, or the removal of the socket, is noticed at the latest. The kernel tells of the
 * former at once, unless the interface was moved to another network namespace; a packet tells, too.
 */
const WATCH_INTERVAL_MS = 200;

/** How long a process whose interface is gone may still hold the socket. */
const HANDOVER_MS = 1000;

/** Resolves when the interface can be configured; it then goes on until the process ends. Throws WgError, TunError, UapiError. */
export async function runInForeground(config: WgConfig, log: WgLog): Promise<void> {
  const { interfaceName, stateDirectory } = config;
  await refuseSecondStart(interfaceName);
  const { provider: crypto, fallbackReason: cryptoFallback } = chooseCryptoProvider([evpCandidate, nodeCandidate]);
  if (cryptoFallback !== undefined) log.event('crypto-fallback', { reason: cryptoFallback });
  const { dataPlane, fallbackReason } = await openDataPlane({
    ...(config.dataPlane !== 'best' && { kind: config.dataPlane }),
    tun: { name: interfaceName, mtu: MTU, addresses: [], initialState: 'down' },
    workerEntry: new URL('./packet-worker.js', import.meta.url),
    workerPairs: config.workerPairs,
  });
  if (fallbackReason !== undefined) log.event('dataplane-fallback', { reason: fallbackReason });
  const { fewerWorkersReason } = dataPlane;
  if (fewerWorkersReason !== undefined) log.event('fewer-workers', { reason: fewerWorkersReason });
  const reservations = new TimestampStore(stateDirectory, (error) =>
    log.event('timestamps-unsaved', { error: error.message }),
  );
  const timestampsOf = (publicKey: PublicKey): Tai64nSource =>
    new Tai64nSource({
      wallNanoseconds,
      lastReserved: reservations.read(publicKey),
      reserve: (until) => reservations.reserve(publicKey, until),
    });
  const wireguard = new WireGuardInterface({ dataPlane, crypto, timestampsOf, log });
  const socket = await UapiSocket.listen(uapiSocketPath(interfaceName), wireguard, log);
  process.on('exit', () => socket.close());
  log.event('started', {
    interface: interfaceName,
    crypto: crypto.name,
    dataplane: dataPlane.kind,
    workers: dataPlane.workerPairs,
    version: VERSION,
  });

  let isStopping = false;
  const stop = (reason: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.event('stopping', { reason });
    clearInterval(watch);
    kernel?.close();
    socket.close();
    void wireguard.close().finally(() => process.exit(0));
  };
  const look = (): void => {
    if (socket.isInPlace()) wireguard.followInterfaceState();
    else stop('the UAPI socket was removed');
  };
  const watch = setInterval(look, WATCH_INTERVAL_MS);
  const kernel = listenToKernel(look);
  dataPlane.tun.onClosed((reason) => stop(reason.message));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  wireguard.followInterfaceState();
}

/** Nothing where rtnetlink cannot be had: the interval alone serves then. */
function listenToKernel(onChange: () => void): { close(): void } | undefined {
  try {
    return watchNetworkChanges(onChange);
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

/**
 * Looks before the interface is made, whose name being taken would be the symptom and not the reason. A process whose
 * interface was deleted a moment ago gets the time to notice.
 */
async function refuseSecondStart(interfaceName: string): Promise<void> {
  const path = uapiSocketPath(interfaceName);
  const deadline = monotonicNow() + HANDOVER_MS;
  while (await isServed(path)) {
    if (interfaceExists(interfaceName) || monotonicNow() >= deadline) {
      throw new WgError('already-running', `${interfaceName} already runs: ${path} answers`);
    }
    await setTimeout(HANDOVER_MS / 20);
  }
}

function interfaceExists(name: string): boolean {
  try {
    return interfaceIndex(name) > 0;
  } catch (error) {
    if (error instanceof NativeError && error.errno === 'ENODEV') return false;
    // Whatever is wrong with the name or the machine, making the interface will explain it better.
    return true;
  }
}
