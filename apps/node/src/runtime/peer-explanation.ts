// Why the path to a peer is what it is, for `status --explain`: the tunnel's recording of it, and what follows from that.

import type { ExportedRecording, RecordingMessage } from '@shadownet/contracts';
import { explain, type Explanation, type Recording } from '@shadownet/paths';
import { encodePublicKey, type Instant } from '@shadownet/primitives';
import type { PeerLinkStatus, Tunnel } from '@shadownet/tunnel';
import type { ControlReply } from '../control-socket/control-protocol.js';
import { VERSION } from '../version.js';
import { wallNow } from './clock.js';

export interface PeerExplanation extends ExportedRecording {
  readonly explanation: Explanation;
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
    version: VERSION,
    time: new Date(wallNow()).toISOString(),
    hostname: peer.hostname,
    public_key: encodePublicKey(peer.publicKey),
    explanation: explain(recording),
    recording: recordingMessage(recording),
  };
  return { ok: true, result };
}

/** A copy, as JSON has it. */
function recordingMessage({ version, dropped, entries, current }: Recording): RecordingMessage {
  const copied = entries.map((entry) =>
    entry.kind === 'candidates' ? { ...entry, candidates: [...entry.candidates] } : entry,
  );
  return { version, dropped, entries: copied, current };
}
