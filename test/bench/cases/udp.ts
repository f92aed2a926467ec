// UDP datagrams per second that arrive, when more are sent than get through: large ones and small ones.
import { type BenchCase } from '../bench-case.js';
import { transfer } from '../iperf.js';
import { type TestBed } from '../test-bed.js';

/** The largest payload that fits the tunnel's MTU over IPv6, and a voice packet or a game's. */
const LARGE = 1372;
const SMALL = 64;

export const udpCase: BenchCase = {
  id: 'udp',
  metrics: ['udp-1372', 'udp-1372-offered', 'udp-64', 'udp-64-offered'],
  needs: 'wire',
  when: 'warm',
  async run(bed, { seconds }) {
    const large = await measurePackets(bed, LARGE, seconds);
    const small = await measurePackets(bed, SMALL, seconds);
    return {
      'udp-1372': large.received,
      'udp-1372-offered': large.offered,
      'udp-64': small.received,
      'udp-64-offered': small.offered,
    };
  },
};

async function measurePackets(
  { left: from, right: to, target }: TestBed,
  payload: number,
  seconds: number,
): Promise<{ readonly received: number; readonly offered: number }> {
  const result = await transfer({ from, to, target, seconds, load: { kind: 'udp', payload } });
  const perSecond = (bytes: number): number => bytes / payload / result.seconds;
  return { received: perSecond(result.bytes), offered: perSecond(result.offeredBytes) };
}
