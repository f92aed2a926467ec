// What the demo writes: lines with the time since it began and who they are about.
import pc from 'picocolors';

export class Screen {
  readonly #start = Date.now();

  heading(text: string): void {
    process.stdout.write(`\n${pc.bold(text)}\n`);
  }

  text(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** `at`: epoch milliseconds of what happened; log lines arrive a little later than that. */
  line(who: string, what: string, at = Date.now()): void {
    const seconds = (at - this.#start) / 1000;
    process.stdout.write(`${pc.dim(`${seconds.toFixed(2).padStart(7)} s`)}  ${pc.cyan(who.padEnd(7))}  ${what}\n`);
  }

  good(who: string, what: string): void {
    this.line(who, `${pc.green('✓')} ${what}`);
  }

  problem(what: string): void {
    process.stdout.write(`\n${pc.red('✗')} ${what}\n`);
  }
}
