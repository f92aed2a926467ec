// What a tunnel tells of one peer: the map's, the path agent's and the engine's view of it in one.

import type { Instant } from '@shadownet/primitives';
import type { Device } from '@shadownet/wireguard';
import { pathKind } from './peer-candidates.js';
import type { PeerLink } from './peer-link.js';
import type { PeerLinkStatus } from './tunnel-types.js';

export function linkStatus(link: PeerLink, device: Device, now: Instant): PeerLinkStatus {
  const agent = link.agent.status(now);
  const engine = device.peerStatus(link.publicKey);
  return {
    ...link.name,
    virtualIp: link.peer.virtual_ip,
    online: link.peer.online,
    path: link.path,
    pathKind: link.path ? pathKind(link.path, agent.candidates) : 'none',
    pathState: agent.state,
    rtt: agent.rtt,
    candidates: agent.candidates,
    session: engine?.session ?? 'none',
    lastHandshakeAt: engine?.lastHandshakeAt,
    rxBytes: engine?.rxBytes ?? 0,
    txBytes: engine?.txBytes ?? 0,
  };
}
