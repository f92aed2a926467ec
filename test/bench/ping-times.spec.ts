import { describe, expect, it } from 'vitest';
import { parsePing } from './ping-times.js';

describe('parsePing', () => {
  it('takes the time of each answer once, and how many were sent', () => {
    const stdout = [
      'PING 10.99.0.2 (10.99.0.2) 56(84) bytes of data.',
      '64 bytes from 10.99.0.2: icmp_seq=1 ttl=64 time=1.25 ms',
      '64 bytes from 10.99.0.2: icmp_seq=1 ttl=64 time=1.50 ms (DUP!)',
      'From 10.99.0.1 icmp_seq=2 Destination Host Unreachable',
      '64 bytes from 10.99.0.2: icmp_seq=3 ttl=64 time=0.031 ms',
      '',
      '--- 10.99.0.2 ping statistics ---',
      '4 packets transmitted, 2 received, +1 duplicates, 50% packet loss, time 3060ms',
      'rtt min/avg/max/mdev = 0.031/0.640/1.250/0.609 ms',
    ].join('\n');
    expect(parsePing(stdout)).toEqual({ times: [1.25, 0.031], sent: 4 });
  });

  it('finds nothing where nobody answered', () => {
    const stdout = '4 packets transmitted, 0 received, 100% packet loss, time 3060ms\n';
    expect(parsePing(stdout)).toEqual({ times: [], sent: 4 });
  });
});
