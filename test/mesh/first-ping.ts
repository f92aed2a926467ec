// How long a user waits: from the second `shadownet-node up` to the first answer to a ping.
import { Ping } from '../lab/ping.js';
import { type TwoNatMesh } from './two-nat-mesh.js';

const PING_INTERVAL_MS = 50;

/**
 * Executes `up` on host B, with A up already, and pings B from A from the moment on when B's virtual address is known.
 * Returns the milliseconds between the execution of `up` and the first answer.
 */
export async function secondUpToFirstPing({ hostA, nodeB }: TwoNatMesh, timeoutMs: number): Promise<number> {
  const executedAt = Date.now();
  const startPing = async (): Promise<Ping> => {
    return Ping.start(hostA, await nodeB.virtualIp(timeoutMs, executedAt), PING_INTERVAL_MS);
  };
  const [, ping] = await Promise.all([nodeB.up(), startPing()]);
  const first = await ping.firstReply(timeoutMs);
  await ping.stop();
  return first.at - executedAt;
}
