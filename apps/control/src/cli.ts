// The command line of shadownet-control.

import { Command, CommanderError } from 'commander';
import { addCommands } from './commands/commands.js';
import { type ControlConfig, type ControlOptions, defaultDataDir, DEFAULTS, loadConfig, LOG_LEVELS } from './config.js';
import { VERSION } from './version.js';

export type CommandLine =
  | { readonly kind: 'serve'; readonly config: ControlConfig }
  /** A command was carried out, help or version printed, or a usage error. */
  | { readonly kind: 'done'; readonly exitCode: number };

/** Does what a command asks for; only `serve` is left to the caller. Throws ControlError. */
export async function readCommandLine(args: readonly string[]): Promise<CommandLine> {
  let config: ControlConfig | undefined;
  const program = new Command('shadownet-control')
    .description('The ShadowNet control server: registration, addresses, liveness, STUN and the dashboard.')
    .version(VERSION)
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  addServe(program, (chosen) => (config = chosen));
  addCommands(program);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: 'done', exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return config ? { kind: 'serve', config } : { kind: 'done', exitCode: 0 };
}

function addServe(program: Command, choose: (config: ControlConfig) => void): void {
  program
    .command('serve', { isDefault: true })
    .description('run the server: what is done without a command, too')
    .option('--listen <address:port>', 'where the API and the dashboard answer; port 0 = any', DEFAULTS.listen)
    .option('--data-dir <directory>', 'the database and the server key', defaultDataDir())
    .option('--stun-ports <ports>', 'UDP ports of the STUN server, comma-separated; 0 = any; "off"', DEFAULTS.stunPorts)
    .option('--stun-host <address>', 'the address of the STUN server (default: that of --listen)')
    .option(
      '--stun-alternate-address <address>',
      "a second address for it, so that nodes can tell all of their NAT's kind",
    )
    .option('--network <range>', 'the addresses that nodes get', DEFAULTS.network)
    .option('--open', 'let everybody who reaches the server join; needed to listen on other than loopback')
    .option('--dashboard-dir <directory>', 'the exported dashboard (default: the one built beside the server)')
    .option('--no-relay', 'run no relay in this process')
    .option('--relay-port <port>', 'UDP port of the relay; 0 = any', DEFAULTS.relayPort)
    .option('--relays <file>', 'relays that stand alone, as JSON: id, public_key, host, udp_port, websocket_url')
    .option('--tls-cert <file>', 'certificate chain for HTTPS, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--public-url <url>', 'how people reach the server, if not at its own address: https://NAME')
    .option(
      '--oidc <file>',
      'an OpenID provider to sign in at, as JSON: issuer, client_id, client_secret, admins, viewers',
    )
    .option(
      '--trusted-proxy <ranges>',
      'whose X-Forwarded-For and -Proto to believe: addresses or ranges, comma-separated',
    )
    .option('--log-level <level>', LOG_LEVELS.join(', '), DEFAULTS.logLevel)
    .action((options: ControlOptions) => choose(loadConfig(options)));
}

const EXAMPLES = `
Examples:
  $ shadownet-control --open                             try it on this machine: http://localhost:8080
  $ shadownet-control --listen 0.0.0.0:8080 --open       for a trusted network
  $ shadownet-control --data-dir ./data --stun-ports off
  $ shadownet-control serve --help                        all options of the server
`;
