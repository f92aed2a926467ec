import { describe, expect, it } from 'vitest';
import { instant } from './instant.js';
import { parseIpAddress } from './ip-address.js';
import { SourceRateLimiter } from './source-rate-limiter.js';

describe('SourceRateLimiter', () => {
  const address = (text: string) => parseIpAddress(text)!;

  it('counts an IPv6 /64 as one source, whatever the port', () => {
    const limiter = new SourceRateLimiter({ perSecond: 1, burst: 1, maxSources: 10 });
    expect(limiter.admit(address('2001:db8::1'), instant(0))).toBe(true);
    expect(limiter.admit(address('2001:db8::ffff:1'), instant(0))).toBe(false);
    expect(limiter.admit(address('2001:db8:0:1::1'), instant(0))).toBe(true);
  });

  it('remembers no more sources than it may, and forgets the one unseen for longest', () => {
    const limiter = new SourceRateLimiter({ perSecond: 1, burst: 1, maxSources: 3 });
    for (const host of [1, 2, 3]) limiter.admit(address(`192.0.2.${host}`), instant(0));
    limiter.admit(address('192.0.2.2'), instant(1));
    expect(limiter.size).toBe(3);
    limiter.admit(address('192.0.2.4'), instant(1));
    expect(limiter.size).toBe(3);
    expect(limiter.admit(address('192.0.2.2'), instant(2))).toBe(false);
    expect(limiter.admit(address('192.0.2.1'), instant(2))).toBe(true);
  });
});
