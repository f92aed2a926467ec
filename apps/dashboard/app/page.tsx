// The first page: the mesh and its nodes.

import { Announcer } from '../components/announcer';
import { LiveDataProvider } from '../components/live-data-provider';
import { MeshConsole } from '../components/mesh-console';

export default function Page() {
  return (
    <LiveDataProvider>
      <Announcer>
        <MeshConsole />
      </Announcer>
    </LiveDataProvider>
  );
}
