// Which server speaks, and how many changes of the network it has seen.

import type { MeshView } from '../src/mesh-view';
import { shortKey } from '../src/short-key';
import { CopyButton } from './copy-button';

export function ConsoleFooter({ mesh }: { mesh: MeshView }) {
  const { version, server_public_key: serverKey, map_version: map } = mesh.network;
  return (
    <footer className="flex flex-wrap items-center gap-x-6 gap-y-1 border-t border-line py-4 text-note text-muted">
      <span>shadownet-control {version}</span>
      <span className="inline-flex items-center gap-1">
        Server key
        <span className="font-mono" title={serverKey}>
          {shortKey(serverKey)}
        </span>
        <CopyButton text={serverKey} label="public key of the control server" />
      </span>
      <span>
        Network map {map.epoch}.{map.sequence}
      </span>
    </footer>
  );
}
