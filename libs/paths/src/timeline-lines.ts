// A recording as lines for people: one for each entry, with its time since the recording began. Used by `shadownet-node replay`.

import { assertNever } from '@shadownet/primitives';
import type { Recording, TimelineEntry, TimelinePath } from './timeline.js';

export function timelineLines({ dropped, entries }: Recording): string[] {
  const lines = entries.map((entry) => `${timeText(entry.at)}  ${entryText(entry)}`);
  return dropped > 0 ? [`(${dropped} earlier entries are not kept)`, ...lines] : lines;
}

/** `1:02:03.4`, hours only where there are any. */
function timeText(at: number): string {
  const tenths = Math.floor(at / 100);
  const [hours, minutes, seconds] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const text = `${String(minutes).padStart(2, '0')}:${seconds.toFixed(1).padStart(4, '0')}`;
  return hours > 0 ? `${hours}:${text}` : text;
}

function entryText(entry: TimelineEntry): string {
  switch (entry.kind) {
    case 'relay':
      return entry.isThere ? 'a relay reaches the peer' : 'no relay reaches the peer';
    case 'candidates': {
      const named = entry.candidates.map(({ kind, endpoint }) => `${kind} ${endpoint}`).join(', ') || 'none';
      return `candidates by the ${entry.source === 'map' ? 'network map' : "peer's call"}: ${named}`;
    }
    case 'nats':
      return `the peer called; mapping of our NAT: ${entry.local.mapping}, of the peer's: ${entry.remote.mapping}`;
    case 'command':
      return COMMANDS[entry.command];
    case 'search':
      return `search: ${entry.reason}`;
    case 'heard':
      return `the peer sends from ${pathText(entry.path)}`;
    case 'probes': {
      const { path, sent, answered, rtt } = entry;
      return `probes to ${pathText(path)}: ${sent}, answered ${answered}${rtt === null ? '' : `, the last after ${rtt} ms`}`;
    }
    case 'data':
      return `data, until ${timeText(entry.until)}`;
    case 'guessing':
      return entry.role === 'hard' ? 'ports are guessed: many sockets of ours' : "ports of the peer's NAT are guessed";
    case 'selected':
      return `data goes by ${pathText(entry.path)}`;
    case 'lost':
      return `${pathText(entry.path)} is left: ${entry.reason}`;
    default:
      return assertNever(entry);
  }
}

const COMMANDS = { start: 'told to search', stop: 'told to stop', traffic: 'data after a time of quiet' } as const;

function pathText(path: TimelinePath): string {
  if (path.kind === 'relay') return 'the relay';
  return path.socket === 0 ? path.remote : `${path.remote} (socket ${path.socket})`;
}
