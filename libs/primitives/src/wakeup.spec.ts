import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant } from './instant.js';
import { earliestWakeup, type Wakeup } from './wakeup.js';

const wakeup = (at: number, reason = 'a timer'): Wakeup => ({ at: instant(at), reason });

describe('the earliest wake-up', () => {
  it('is the first of those that exist', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (times) => {
        const existing = times.filter((at) => at !== undefined);
        const earliest = earliestWakeup(...times.map((at) => (at === undefined ? undefined : wakeup(at))));
        expect(earliest?.at).toBe(existing.length > 0 ? Math.min(...existing) : undefined);
      }),
    );
  });

  it('keeps its reason, and of two at the same instant the first one wins', () => {
    const both = earliestWakeup(undefined, wakeup(5, 'keepalive'), wakeup(5, 'rekey'), wakeup(9, 'zeroing'));
    expect(both).toEqual(wakeup(5, 'keepalive'));
  });

  it('is none without any', () => {
    expect(earliestWakeup()).toBeUndefined();
    expect(earliestWakeup(undefined)).toBeUndefined();
  });
});
