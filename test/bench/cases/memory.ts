// Resident memory: of a tunnel that is up and has carried one ping, and the peak after eight TCP streams both ways.
import { type BenchCase, memoryOfLargerEnd, requireTunnel } from '../bench-case.js';
import { measureTcp } from './tcp.js';

export const idleMemoryCase: BenchCase = {
  id: 'rss-idle',
  metrics: ['rss-idle'],
  needs: 'tunnel',
  when: 'cold',
  run: (bed) => Promise.resolve({ 'rss-idle': memoryOfLargerEnd(requireTunnel(bed), 'resident') }),
};

export const loadedMemoryCase: BenchCase = {
  id: 'rss-load',
  metrics: ['rss-load'],
  needs: 'tunnel',
  when: 'warm',
  async run(bed, { seconds }) {
    await measureTcp(bed, seconds, 8, 'both');
    return { 'rss-load': memoryOfLargerEnd(requireTunnel(bed), 'peak') };
  },
};
