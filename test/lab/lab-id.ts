// Names that say who owns them. Everything a lab makes carries its id, and the id carries the owner's process id and start
// time: two runs never collide, and a run that died can be told from one that still works (even if its pid was given away again).
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const LAB_PREFIX = 'snlab-';

const PATTERN = /^snlab-(\d+)-([0-9a-z]+)-[0-9a-f]{6}/;

/** A fresh id, for example `snlab-4711-1x2y3-a0b1c2`. */
export function newLabId(): string {
  return `${LAB_PREFIX}${String(process.pid)}-${startTimeOf(process.pid) ?? '0'}-${randomBytes(3).toString('hex')}`;
}

/** The lab id that `name` starts with, if its owner no longer runs. */
export function orphanedLabId(name: string): string | undefined {
  const match = PATTERN.exec(name);
  if (match === null) return undefined;
  const [id, pid, startTime] = match;
  return startTimeOf(Number(pid)) === startTime ? undefined : id;
}

/** Start time of a process in clock ticks since boot (proc(5), field 22 of stat), base 36; undefined if there is none. */
function startTimeOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // Field 2, the program's name in parentheses, may itself contain spaces and parentheses.
  const fromField3 = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fromField3[19]).toString(36);
}
