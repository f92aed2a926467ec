// Who may use a relay. The one in the control server asks its database; one that stands alone believes tickets.

import type { Instant, PublicKey } from '@shadownet/primitives';
import type { Refusal } from '../handshake-frames.js';

export type AdmissionResult =
  | {
      readonly ok: true;
      /** Clients reach those of the same network only. */
      readonly network: string;
      /** When the admission ends, if it does by itself. */
      readonly until?: Instant;
    }
  | { readonly ok: false; readonly reason: Refusal };

export interface Admission {
  /** Of a client that has proved its key. `ticket` may be empty. */
  admit(client: PublicKey, ticket: Uint8Array, now: Instant): AdmissionResult;
}
