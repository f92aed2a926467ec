// Why the path to a peer is what it is, for `status --explain`: the tunnel's recording of it, and what follows from that.

import { explain, type Explanation, type Recording } from '@shadownet/paths';
import { encodePublicKey, type Instant } from '@shadownet/primitives';
import type { PeerLinkStatus, Tunnel } from '@shadownet/tunnel';
import type { ControlReply } from '../control-socket/control-protocol.js';

export interface PeerExplanation {
  readonly hostname: string;
  readonly public_key: string;
  readonly explanation: Explanation;
  /** What the explanation was made from. Replays through the same path agent. */
  readonly recording: Recording;
}

export function findPeer(tunnel: Tunnel, name: string, now: Instant): PeerLinkStatus | undefined {
  const { peers } = tunnel.status(now);
  return peers.find((one) => [one.hostname, one.virtualIp, encodePublicKey(one.publicKey)].includes(name));
}

/** `name`: a hostname, a virtual IP or a public key. */
export function explainPeer(tunnel: Tunnel, name: string, now: Instant): ControlReply {
  const peer = findPeer(tunnel, name, now);
  const recording = peer && tunnel.recordingOf(peer.publicKey);
  if (!recording) return { ok: false, error: `no peer is called ${name}` };
  const result: PeerExplanation = {
    hostname: peer.hostname,
    public_key: encodePublicKey(peer.publicKey),
    explanation: explain(recording),
    recording,
  };
  return { ok: true, result };
}
