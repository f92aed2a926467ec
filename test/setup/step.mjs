// How the set-up runs programs and shows progress: one line per step, the output only when something went wrong.
import { spawn } from 'node:child_process';

/** A set-up that cannot go on. The message says what to do; it is all that the user gets to see. */
export class SetUpError extends Error {}

/** Shows `title`, runs `work`, and shows how long it took. */
export async function step(title, work) {
  const start = Date.now();
  process.stdout.write(`  ${title} … `);
  try {
    const result = await work();
    process.stdout.write(`${((Date.now() - start) / 1000).toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stdout.write('failed\n');
    throw error;
  }
}

/** Runs a program without a terminal (so nothing can prompt) and returns its exit code and all it said. */
export function runQuietly(argv, { cwd, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** The end of a long output: where compilers and package managers say what went wrong. */
export function tail(output, lines = 30) {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}
