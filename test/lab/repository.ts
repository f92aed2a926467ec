// Where this repository lies. The demo runs as a bundle in node_modules/.cache, so a path relative to the source file would not do.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The absolute path of a file that is named by its path in the repository. */
export function inRepository(path: string): string {
  return join(ROOT, path);
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'nx.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('this file is not inside the ShadowNet repository');
  return findRoot(parent);
}
