// Loads koffi on first use, so that importing this lib is harmless on a machine that has no binary for it.

import { createRequire } from 'node:module';
import type Koffi from 'koffi';

import { NativeError } from './native-error.js';

export type KoffiModule = typeof Koffi;

/** What the loader asks of the machine; injected so that every way to be missing can be tested. */
export interface NativeHost {
  readonly platform: string;
  readonly arch: string;
  require(module: string): unknown;
}

/**
 * The architectures of Linux that share asm-generic's numbers for O_*, SOCK_* and ioctls, on which the constants of this
 * lib rely. PowerPC, MIPS and SPARC number them differently.
 */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'loong64'];

let loaded: KoffiModule | undefined;

/** koffi, loaded once per process. Throws NativeError 'native-unavailable' with the reason where it cannot be had. */
export function koffi(): KoffiModule {
  loaded ??= loadKoffi({
    platform: process.platform,
    arch: process.arch,
    require: createRequire(import.meta.url),
  });
  return loaded;
}

/** The uncached form of `koffi`. */
export function loadKoffi(host: NativeHost): KoffiModule {
  if (host.platform !== 'linux') {
    throw new NativeError('native-unavailable', `native system calls work on Linux only, this is ${host.platform}`);
  }
  if (!ARCHITECTURES.includes(host.arch)) {
    throw new NativeError('native-unavailable', `native system calls are not supported on Linux ${host.arch}`);
  }
  try {
    return host.require('koffi') as KoffiModule;
  } catch (cause) {
    throw new NativeError(
      'native-unavailable',
      `koffi has no binary for Linux ${host.arch} here: run npm install without --omit=optional`,
      { cause },
    );
  }
}
