// Where OpenSSL 3 is found: inside Node, which most builds export, or as the system's libcrypto.so.3 for a Node that was linked
// with that one. Whoever binds functions of it proves a known answer before it uses them. Used by aead.ts and x25519.ts.

import { koffi, type KoffiModule } from './koffi-loader.js';
import { requirePacketMachine } from './machine.js';
import { NativeError } from './native-error.js';

const OPENSSL_3 = 0x30000000;
const CANDIDATES: readonly (readonly [name: string, file: string | null])[] = [
  ["Node's OpenSSL", null],
  ['libcrypto.so.3', 'libcrypto.so.3'],
];

export type OpenSslLibrary = ReturnType<KoffiModule['load']>;

/**
 * What `bind` makes of the first OpenSSL 3 with which it does not throw; `name` is for the log. Throws NativeError
 * 'native-unavailable' if there is none, with the reasons; `what` says what for.
 */
export function bindOpenSsl<Bound>(what: string, bind: (library: OpenSslLibrary, name: string) => Bound): Bound {
  requirePacketMachine();
  const { load } = koffi();
  const reasons: string[] = [];
  for (const [name, file] of CANDIDATES) {
    try {
      const library = load(file);
      const version = Number(library.func('OpenSSL_version_num', 'uint64_t', [])());
      if (version < OPENSSL_3) throw new Error(`version 0x${version.toString(16)} is too old`);
      return bind(library, name);
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new NativeError('native-unavailable', `no OpenSSL 3 with ${what} (${reasons.join('; ')})`);
}
