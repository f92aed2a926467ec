// What one process has used, all its threads included, from /proc (proc(5)). All contenders are one process in the foreground.
import { readFileSync } from 'node:fs';

/** USER_HZ: the kernel shows times to user space in hundredths of a second on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface MemoryUse {
  /** VmRSS: what is resident now, in bytes. */
  readonly resident: number;
  /** VmHWM: the most that ever was, in bytes. */
  readonly peak: number;
}

/** User and system time, in seconds, of threads that have ended too. Throws if there is no such process. */
export function cpuSecondsOf(pid: number): number {
  return parseCpuSeconds(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
}

/** Throws if there is no such process. */
export function memoryOf(pid: number): MemoryUse {
  return parseMemory(readFileSync(`/proc/${String(pid)}/status`, 'latin1'));
}

/** Fields 14 (utime) and 15 (stime). Field 2, the name in parentheses, may itself contain spaces and parentheses. */
export function parseCpuSeconds(stat: string): number {
  const fromField3 = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fromField3[11]) + Number(fromField3[12])) / TICKS_PER_SECOND;
}

export function parseMemory(status: string): MemoryUse {
  return { resident: kilobytes(status, 'VmRSS') * 1024, peak: kilobytes(status, 'VmHWM') * 1024 };
}

function kilobytes(status: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (value === undefined) throw new Error(`/proc/…/status has no ${field}`);
  return Number(value);
}
