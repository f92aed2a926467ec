// The command line of shadownet-relay.

import { Command, CommanderError } from 'commander';
import { defaultKeyFile, DEFAULTS, loadConfig, LOG_LEVELS, type RelayConfig, type RelayOptions } from './config.js';
import { VERSION } from './version.js';

export type CommandLine =
  | { readonly kind: 'serve'; readonly config: RelayConfig }
  /** Help or version was printed, or a usage error. */
  | { readonly kind: 'done'; readonly exitCode: number };

/** Throws RelayError `bad-config`. */
export function readCommandLine(args: readonly string[]): CommandLine {
  let config: RelayConfig | undefined;
  const program = new Command('shadownet-relay')
    .description(
      'A ShadowNet relay: carries WireGuard between nodes that cannot reach each other, and can read none of it.',
    )
    .version(VERSION)
    .option('--listen <address:port>', 'UDP, and TCP for WebSockets, /healthz and /metrics', DEFAULTS.listen)
    .option('--udp-port <port>', 'the UDP port, if it is another; 0 = any')
    .option('--key-file <file>', 'the relay’s key, made when it is missing', defaultKeyFile())
    .option('--ticket-key <key...>', 'base64 key of the control server, which logs it as ticket_key')
    .option('--tls-cert <file>', 'certificate chain for WebSockets, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--max-clients <number>', 'how many nodes at once')
    .option('--client-mbit <number>', 'what one node may send, in Mbit/s')
    .option('--log-level <level>', LOG_LEVELS.join(', '), DEFAULTS.logLevel)
    .action((options: RelayOptions) => {
      config = loadConfig(options);
    })
    .exitOverride();
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: 'done', exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return config ? { kind: 'serve', config } : { kind: 'done', exitCode: 0 };
}
