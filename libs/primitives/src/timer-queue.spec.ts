import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instant, instant } from './instant.js';
import { TimerQueue } from './timer-queue.js';

class Owner {
  deadline: Instant | undefined;
  nextDeadline(): Instant | undefined {
    return this.deadline;
  }
}

describe('the timer queue', () => {
  it('finds the earliest of random deadlines that come, move both ways and go', () => {
    const change = fc.record({ owner: fc.nat(19), deadline: fc.option(fc.nat(1000), { freq: 5 }), forget: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const owners = Array.from({ length: 20 }, () => new Owner());
        const queue = new TimerQueue<Owner>();
        for (const { owner: index, deadline, forget } of changes) {
          const owner = owners[index]!;
          owner.deadline = deadline === null ? undefined : instant(deadline);
          if (owner.deadline !== undefined) queue.lookAt(owner, owner.deadline);
          if (forget === 0) {
            queue.delete(owner);
            owner.deadline = undefined;
          }
          const deadlines = owners.map((other) => other.deadline).filter((at) => at !== undefined);
          const first = queue.first();
          expect(first?.at).toBe(deadlines.length > 0 ? Math.min(...deadlines) : undefined);
          expect(first?.owner.deadline).toBe(first?.at);
        }
      }),
    );
  });
});
