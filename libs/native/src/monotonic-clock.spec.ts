import { describe, expect, it } from 'vitest';

import { MonotonicClock } from './monotonic-clock.js';

describe.skipIf(process.platform !== 'linux')('MonotonicClock (Linux only)', () => {
  it('is the clock of process.hrtime', () => {
    const clock = new MonotonicClock();
    const reference = (): number => Number(process.hrtime.bigint()) / 1e6;
    const before = reference();
    const now = clock.now();
    const after = reference();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(after);
  });
});
