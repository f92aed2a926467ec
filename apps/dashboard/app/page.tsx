// The first page: the mesh and its nodes.

import { LiveDataProvider } from '../components/live-data-provider';
import { MeshConsole } from '../components/mesh-console';

export default function Page() {
  return (
    <LiveDataProvider>
      <MeshConsole />
    </LiveDataProvider>
  );
}
