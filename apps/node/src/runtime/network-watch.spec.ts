import { instant } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type NetworkSign, NetworkWatch } from './network-watch.js';

describe('NetworkWatch', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The host is awake for so long, then sleeps; a timer fires a while after it wakes. */
  function watch() {
    const signs: NetworkSign[] = [];
    let awake = 1000;
    let asleep = 50_000;
    const subject = new NetworkWatch({
      now: () => instant(awake),
      sinceBoot: () => awake + asleep,
      onSign: (sign) => signs.push(sign),
    });
    const pass = (ms: number, sleep = 0): void => {
      awake += ms;
      asleep += sleep;
      vi.advanceTimersByTime(ms);
    };
    return { signs, subject, pass };
  }

  it('looks every five seconds', () => {
    const { signs, subject, pass } = watch();
    for (let i = 0; i < 4; i++) pass(5000);
    expect(signs).toEqual(['perhaps', 'perhaps', 'perhaps', 'perhaps']);
    subject.close();
    pass(20_000);
    expect(signs).toHaveLength(4);
  });

  it('notices once that the host has slept, and takes no coarse clock for sleep', () => {
    const { signs, subject, pass } = watch();
    pass(5000, 900);
    pass(5000, 60_000);
    pass(5000);
    expect(signs).toEqual(['perhaps', 'slept', 'perhaps']);
    subject.close();
  });
});
