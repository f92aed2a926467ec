// Chooses the data plane: the fast one where the machine has all that it needs, the portable one elsewhere or when asked for.

import type { DataPlane, DataPlaneKind, DataPlaneOptions } from './data-plane.js';
import { openLinuxDataPlane } from './linux-data-plane.js';
import { openPortableDataPlane } from './portable-data-plane.js';

export interface DataPlaneChoice extends DataPlaneOptions {
  /** Left out: the best that works. */
  readonly kind?: DataPlaneKind;
}

export interface OpenedDataPlane {
  readonly dataPlane: DataPlane;
  /** Why it is not the fast one, for the log; `undefined` if it is, or was not wanted. */
  readonly fallbackReason?: string;
}

/** Rejects as the data plane that was asked for; with a choice, as the portable one. */
export async function openDataPlane(options: DataPlaneChoice): Promise<OpenedDataPlane> {
  if (options.kind === 'portable') return { dataPlane: await openPortableDataPlane(options) };
  if (options.kind === 'linux') return { dataPlane: await openLinuxDataPlane(options) };
  try {
    return { dataPlane: await openLinuxDataPlane(options) };
  } catch (error) {
    const fallbackReason = error instanceof Error ? error.message : String(error);
    return { dataPlane: await openPortableDataPlane(options), fallbackReason };
  }
}
