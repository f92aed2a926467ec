// Removes what labs left behind whose owner was killed before it could. Labs of living owners are never touched.
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAB_PREFIX, orphanedLabId } from './lab-id.js';
import { namespaceNames, removeNamespaceSync } from './network-namespace.js';

/** Returns the ids of the labs that it removed. */
export async function removeStaleLabs(): Promise<string[]> {
  const removed = new Set<string>();
  for (const name of await namespaceNames()) {
    const id = orphanedLabId(name);
    if (id === undefined) continue;
    removeNamespaceSync(name);
    removed.add(id);
  }
  for (const entry of readdirSync(tmpdir())) {
    const id = entry.startsWith(LAB_PREFIX) ? orphanedLabId(entry) : undefined;
    if (id === undefined) continue;
    rmSync(join(tmpdir(), entry), { recursive: true, force: true });
    removed.add(id);
  }
  return [...removed];
}
