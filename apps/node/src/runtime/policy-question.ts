// Asks the control server whether the policy lets one node open something to another, for `shadownet-node can`.

import type { CanQuery } from '@shadownet/contracts';
import type { ControlReply } from '../control-socket/control-protocol.js';
import type { ControlClient } from './control-client.js';
import { describeFailure } from './control-failure.js';

/** Less than the command line waits for an answer. */
const PATIENCE_MS = 5_000;

export async function askPolicy(client: ControlClient, { from, to, traffic }: CanQuery): Promise<ControlReply> {
  const result = await client.can({ from, to, traffic }, AbortSignal.timeout(PATIENCE_MS));
  if (result.ok) return { ok: true, result: result.value };
  const { failure } = result;
  if (failure.kind === 'refused' && failure.code === 'unknown-peer')
    return { ok: false, error: `${failure.detail} Nodes that this one may not talk with are not shown to it.` };
  return { ok: false, error: `the control server cannot say: ${describeFailure(failure)}` };
}
