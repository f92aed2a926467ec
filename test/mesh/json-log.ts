// The JSON log of a ShadowNet program, line by line as it is written, from a process or from a file.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { eventually } from '../lab/eventually.js';

export interface LogEntry {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly event?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

const POLL_MS = 20;

export class JsonLog {
  readonly entries: LogEntry[] = [];
  readonly #listeners: ((entry: LogEntry) => void)[] = [];

  /** A line that is not JSON (a crash writes such) becomes an entry with the line as its message. */
  append(line: string): void {
    const entry = parseEntry(line);
    this.entries.push(entry);
    for (const listener of this.#listeners) listener(entry);
  }

  /** Calls `listener` for what is there and for what comes. */
  onEntry(listener: (entry: LogEntry) => void): void {
    this.entries.forEach(listener);
    this.#listeners.push(listener);
  }

  /** The first entry of that event which is not older than `since` (epoch milliseconds). */
  waitFor(
    event: string,
    timeoutMs: number,
    since = 0,
    matches = (_entry: LogEntry): boolean => true,
  ): Promise<LogEntry> {
    return eventually(
      `the log event "${event}"`,
      timeoutMs,
      () => this.entries.find((entry) => entry.event === event && entry.time >= since && matches(entry)),
      POLL_MS,
    );
  }

  /** The last lines, for the message of a failure. */
  tail(lines = 15): string {
    return this.entries
      .slice(-lines)
      .map((entry) => JSON.stringify(entry))
      .join('\n');
  }
}

/** Reads the lines of a file as they are appended, also of one that does not exist yet. Returns the end of it. */
export function followFile(path: string, log: JsonLog): () => void {
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(65_536);
  let descriptor: number | undefined;
  let unfinished = '';
  const read = (): void => {
    if (descriptor === undefined && !existsSync(path)) return;
    descriptor ??= openSync(path, 'r');
    for (let count = readSync(descriptor, buffer); count > 0; count = readSync(descriptor, buffer)) {
      const lines = (unfinished + decoder.write(buffer.subarray(0, count))).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) log.append(line);
    }
  };
  const timer = setInterval(read, POLL_MS);
  return () => {
    clearInterval(timer);
    if (descriptor !== undefined) closeSync(descriptor);
  };
}

function parseEntry(line: string): LogEntry {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'time' in value) return value as LogEntry;
  } catch {
    // Not JSON: said by the entry itself.
  }
  return { time: Date.now(), msg: line };
}
