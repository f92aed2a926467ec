import { instant, type IpAddress, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.js';

const LIMITS = { perSecond: 20, burst: 5 };

const ip = (text: string): IpAddress => parseIpAddress(text)!;

describe('the rate limiter', () => {
  it('lets a burst of five through, and then twenty a second', () => {
    const limiter = new RateLimiter(LIMITS);
    const source = ip('192.0.2.1');
    const allowed = (at: number): boolean => limiter.allow(source, instant(at));
    expect([0, 0, 0, 0, 0, 0].map(allowed)).toEqual([true, true, true, true, true, false]);
    expect([49, 50, 50].map(allowed)).toEqual([false, true, false]);
    const oneSecond = Array.from({ length: 1000 }, (_, i) => allowed(51 + i)).filter(Boolean);
    expect(oneSecond).toHaveLength(20);
  });

  it('counts the addresses of an IPv6 /64 together, and those of two apart', () => {
    const limiter = new RateLimiter(LIMITS);
    for (let i = 1; i <= 5; i++) expect(limiter.allow(ip(`2001:db8::${i}`), instant(0))).toBe(true);
    expect(limiter.allow(ip('2001:db8::6'), instant(0))).toBe(false);
    expect(limiter.allow(ip('2001:db8:0:1::1'), instant(0))).toBe(true);
  });

  it('remembers a bounded number of sources, and forgets those that are quiet', () => {
    const limiter = new RateLimiter(LIMITS, 3);
    for (let i = 1; i <= 3; i++) expect(limiter.allow(ip(`192.0.2.${i}`), instant(0))).toBe(true);
    expect(limiter.allow(ip('192.0.2.4'), instant(1))).toBe(false);
    expect(limiter.allow(ip('192.0.2.1'), instant(1))).toBe(true);
    expect(limiter.allow(ip('192.0.2.4'), instant(300))).toBe(true);
    expect(limiter.size).toBeLessThanOrEqual(3);
  });
});
