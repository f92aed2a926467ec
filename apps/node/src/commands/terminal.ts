// What commands print to: results on stdout, one line about what went wrong on stderr.

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printError(message: string): void {
  process.stderr.write(`shadownet-node: ${message}\n`);
}
