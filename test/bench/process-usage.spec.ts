import { describe, expect, it } from 'vitest';
import { cpuSecondsOf, memoryOf, parseCpuSeconds, parseMemory } from './process-usage.js';

describe('parseCpuSeconds', () => {
  it('adds user and system time, whatever the program is called', () => {
    const stat = '4711 (a) (b) c) S 1 4711 4711 0 -1 4194560 100 200 0 0 1234 66 5 6 20 0 11 0 123456 1000 200';
    expect(parseCpuSeconds(stat)).toBe(13);
  });
});

describe('parseMemory', () => {
  it('reads what is resident and the peak, in bytes', () => {
    expect(parseMemory('Name:\tnode\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n')).toEqual({
      resident: 1_048_576,
      peak: 2_097_152,
    });
  });

  it('refuses the status of a kernel thread, which has no memory', () => {
    expect(() => parseMemory('Name:\tkthreadd\n')).toThrow('VmRSS');
  });
});

describe.skipIf(process.platform !== 'linux')('of this process', () => {
  it('counts time that goes by in work', () => {
    const before = cpuSecondsOf(process.pid);
    const start = process.cpuUsage();
    for (let used = 0; used < 100_000;) {
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    }
    expect(cpuSecondsOf(process.pid)).toBeGreaterThan(before + 0.05);
  });

  it('finds memory', () => {
    const { resident, peak } = memoryOf(process.pid);
    expect(resident).toBeGreaterThan(1e6);
    expect(peak).toBeGreaterThanOrEqual(resident * 0.9);
  });
});
