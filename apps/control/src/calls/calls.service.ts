// Hands a node's call on to the peer's event stream, if the two see each other. The server learns nothing from it: candidates are
// announced anyway, and whether the call is genuine only the peer can tell.

import { Inject, Injectable } from '@nestjs/common';
import type { CallRequest, CallResponse } from '@shadownet/contracts';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { type Clock, CLOCK } from '../clock.js';
import { EventStreams } from '../events/event-streams.js';
import { ApiError } from '../http/api-error.js';
import { type Visibility, VISIBILITY } from '../network-map/visibility.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { isMember, requireMember } from '../nodes/standing.js';
import { CallLimits } from './call-limits.js';

@Injectable()
export class CallsService {
  readonly #limits = new CallLimits();

  constructor(
    private readonly transactions: SignedTransactions,
    private readonly streams: EventStreams,
    @Inject(VISIBILITY) private readonly visibility: Visibility,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws ApiError `unknown-peer` if the caller is not registered, `rate-limited` beyond CallLimits. */
  async call(caller: Caller, { public_key: called, call }: CallRequest): Promise<CallResponse> {
    const { publicKey } = caller;
    // Before the database is asked.
    if (!this.#limits.admitCaller(publicKey, this.clock.monotonic())) throw new ApiError('rate-limited');
    const mayTalk = await this.transactions.run(caller, async (manager) => {
      const self = await manager.findOneBy(NodeEntity, { publicKey });
      if (!self) throw new ApiError('unknown-peer', 'Register first.');
      requireMember(self);
      const peer = await manager.findOneBy(NodeEntity, { publicKey: called });
      return peer !== null && isMember(peer) && called !== publicKey && this.visibility.mayTalk(self, peer);
    });
    // Who sees a peer hears nothing here that the map does not tell, and who does not see it hears nothing.
    if (!mayTalk) return { success: true, delivered: false };
    if (!this.#limits.admitCall(publicKey, called, this.clock.monotonic())) throw new ApiError('rate-limited');
    const delivered = this.streams.tell(called, { type: 'call', payload: { public_key: publicKey, call } });
    return { success: true, delivered };
  }
}
