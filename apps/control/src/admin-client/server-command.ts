// A command of shadownet-control that asks the running server: its options, its client, where its text goes.

import { type Command, Option } from 'commander';
import { defaultDataDir } from '../config.js';
import { AdminClient } from './admin-client.js';

export interface ServerCommand<Options> {
  readonly server: AdminClient;
  readonly options: Options;
  /** What the command line names besides options, in the order of `usage`. */
  readonly args: readonly string[];
  /** Writes a line to stdout. */
  print(line: string): void;
}

/** Adds `usage` (like `revoke <id>`) to `parent`. Options of its own can be added to what this returns. */
export function addServerCommand<Options extends object>(
  parent: Command,
  usage: string,
  summary: string,
  run: (command: ServerCommand<Options>) => Promise<void>,
): Command {
  return parent
    .command(usage)
    .description(summary)
    .addOption(new Option('--data-dir <directory>', 'the folder of the running server').default(defaultDataDir()))
    .action((...parameters: unknown[]) => {
      // Commander passes each argument, then the options, then the command itself.
      const [options, args] = [parameters.at(-2) as Options & { dataDir: string }, parameters.slice(0, -2) as string[]];
      return run({
        server: new AdminClient(options.dataDir),
        options,
        args,
        print: (line) => void process.stdout.write(`${line}\n`),
      });
    });
}
