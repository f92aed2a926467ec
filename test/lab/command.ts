// Runs one program to its end. A failure carries the command line and what it said: `ip` and `iptables` explain themselves.
import { spawn, spawnSync } from 'node:child_process';

export interface CommandOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandError extends Error {
  constructor(
    readonly argv: readonly string[],
    readonly output: CommandOutput,
  ) {
    const said = output.stderr.trim() || output.stdout.trim() || 'it said nothing';
    super(`"${argv.join(' ')}" ended with ${String(output.code)}: ${said}`);
    this.name = 'CommandError';
  }
}

export interface CommandOptions {
  /** The program is killed, and the call fails, after this many milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `argv`, and throws a CommandError unless it ends with 0. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const output = await tryRun(argv, options);
  if (output.code !== 0) throw new CommandError(argv, output);
  return output;
}

/** Runs `argv` and returns its output whatever its exit code; 124 when it had to be killed, 127 when it does not exist. */
export function tryRun(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const [program = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? 30_000;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: options.env });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const deadline = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const finish = (code: number, note: string): void => {
      clearTimeout(deadline);
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() + note });
    };
    child.on('error', (error) => finish(127, error.message));
    child.on('close', (code) => {
      if (timedOut) finish(124, `killed after ${String(timeoutMs)} ms`);
      else finish(code ?? 128, '');
    });
  });
}

/** For exit handlers, where nothing asynchronous runs any more. */
export function runSync(argv: readonly string[]): CommandOutput {
  const [program = '', ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  return { code: status ?? 127, stdout: stdout ?? '', stderr: stderr ?? '' };
}
