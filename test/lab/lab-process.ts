// A program that runs inside a lab for a while: its lines as they come, its end, and a stop that is sure to be one.
import { type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { pause } from './eventually.js';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type LineListener = (line: string) => void;

const KEPT_STDERR_LINES = 40;

export class LabProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  #end: ProcessEnd | undefined;
  readonly #stderrTail: string[] = [];

  constructor(
    readonly label: string,
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
  ) {
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      child.once('error', () => resolve((this.#end = { code: 127, signal: null })));
      child.once('close', (code, signal) => resolve((this.#end = { code, signal })));
    });
    this.onStderrLine((line) => {
      this.#stderrTail.push(line);
      if (this.#stderrTail.length > KEPT_STDERR_LINES) this.#stderrTail.shift();
    });
    // A program that ended no longer reads; what was meant for it is of no interest then.
    child.stdin.on('error', () => undefined);
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** The last lines it wrote to stderr. */
  get stderrTail(): string {
    return this.#stderrTail.join('\n');
  }

  onLine(listener: LineListener): void {
    createInterface({ input: this.child.stdout }).on('line', listener);
  }

  onStderrLine(listener: LineListener): void {
    createInterface({ input: this.child.stderr }).on('line', listener);
  }

  writeLine(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Asks with `name`; kills when it has not ended after `graceMs`. */
  async stop(name: NodeJS.Signals = 'SIGTERM', graceMs = 3000): Promise<ProcessEnd> {
    if (this.#end === undefined) this.signal(name);
    const end = await Promise.race([this.ended, pause(graceMs)]);
    if (end !== undefined) return end;
    this.signal('SIGKILL');
    return this.ended;
  }
}
