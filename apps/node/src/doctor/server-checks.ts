// What the doctor finds out about the way to the control server: its name, its API, its key, its clock.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ServerInfo } from '@shadownet/contracts';
import { parsePublicKey, publicKeysEqual } from '@shadownet/primitives';
import { describeFailure } from '../runtime/control-failure.js';
import { fetchServerInfo } from '../runtime/server-info.js';
import { StateDirectory } from '../state/state-directory.js';
import { existsSync } from 'node:fs';
import { type Finding, notTested, ok, problem, warning } from './finding.js';

/** Requests are refused beyond this (docs/control-plane-api.md). */
const LARGEST_SKEW_MS = 300_000;
const NOTICEABLE_SKEW_MS = 30_000;

export interface ServerExamination {
  readonly findings: readonly Finding[];
  /** Undefined if it did not answer. */
  readonly info: ServerInfo | undefined;
}

export async function examineServer(control: URL, stateDirectory: string): Promise<ServerExamination> {
  const dns = await checkName(control.hostname.replace(/^\[|\]$/g, ''));
  if (dns.verdict === 'problem') return { findings: [dns], info: undefined };
  const asked = Date.now();
  const answer = await fetchServerInfo(control);
  const answered = Date.now();
  if (!answer.ok) {
    const fix = 'check the URL, that the server runs, and that its TCP port is open on the way';
    return {
      findings: [dns, problem('control', `${control.href}: ${describeFailure(answer.failure)}`, fix)],
      info: undefined,
    };
  }
  const info = answer.value;
  return {
    findings: [
      dns,
      ok('control', `shadownet-control ${info.version} answered within ${answered - asked} ms`),
      checkServerKey(info, stateDirectory),
      checkClock(Date.parse(info.server_time), (asked + answered) / 2),
    ],
    info,
  };
}

async function checkName(host: string): Promise<Finding> {
  if (isIP(host) !== 0) return ok('dns', `${host} needs no DNS`);
  try {
    const found = await lookup(host, { all: true });
    return ok('dns', `${host} is ${found.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return problem('dns', `${host} is not found (${code ?? 'no answer'})`, 'check the name, and /etc/resolv.conf');
  }
}

function checkServerKey(info: ServerInfo, stateDirectory: string): Finding {
  const pinned = existsSync(stateDirectory) ? new StateDirectory(stateDirectory).serverKey : undefined;
  if (!pinned) return notTested('server-key', `none is pinned yet; the server shows ${info.public_key}`);
  const shown = parsePublicKey(info.public_key);
  if (shown && publicKeysEqual(shown, pinned)) return ok('server-key', 'the server shows the key that is pinned');
  return problem(
    'server-key',
    `the server shows ${info.public_key}, and another is pinned: it was set up anew, or somebody poses as it`,
    `compare with what the server logs at its start; if the change is right, delete server.pub in ${stateDirectory}`,
  );
}

/** Both in milliseconds since the Unix epoch, of the same moment. */
export function checkClock(serverTime: number, ownTime: number): Finding {
  const skew = ownTime - serverTime;
  const shown = `this host's clock is ${(Math.abs(skew) / 1000).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} the server's`;
  const fix = 'set the clock of the one that is wrong (timedatectl set-ntp true)';
  if (Math.abs(skew) > LARGEST_SKEW_MS) return problem('clock', shown, fix);
  if (Math.abs(skew) > NOTICEABLE_SKEW_MS) return warning('clock', shown, fix);
  return ok('clock', shown);
}
