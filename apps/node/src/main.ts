// The command line of shadownet-node. Commands are loaded when they are called, so that each starts with what it needs.

import { Command, CommanderError, Option } from 'commander';
import type { Flags } from './config.js';
import { ExitCode, exitCodeOf } from './exit-code.js';
import { VERSION } from './version.js';

const EXAMPLES = `
Examples:
  $ shadownet-node up --control http://203.0.113.10:8080
  $ shadownet-node status
  $ shadownet-node peers --json
  $ shadownet-node ping backup
  $ shadownet-node netcheck --control http://203.0.113.10:8080
  $ shadownet-node doctor --control http://203.0.113.10:8080
  $ shadownet-node down

Every option of up, down, status and peers, and most of netcheck, can also be given by the environment (SHADOWNET_CONTROL, SHADOWNET_STATE_DIR, …) or in a
TOML file (control = "…", state_dir = "…"); a flag wins over the environment, and that over the file.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no node is running, 4 needs CAP_NET_ADMIN (root) or /dev/net/tun.`;

const UP_EXAMPLES = `
Examples:
  $ shadownet-node up --control http://203.0.113.10:8080
  $ shadownet-node up --control https://mesh.example.org --join-key-file /root/join-key
  $ shadownet-node up --control 'http://203.0.113.10:8080#fW1…='     (takes no other server key than this)
  $ shadownet-node up --control https://mesh.example.org --hostname backup --port 51820
  $ shadownet-node up --config /etc/shadownet.toml --foreground      (for service managers)`;

/** What commander makes of the options: names in camel case. */
type Options = Partial<Record<string, string | boolean>>;

function program(): Command {
  const cli = new Command('shadownet-node')
    .description('Joins this host to a ShadowNet mesh.')
    .addHelpText('after', EXAMPLES)
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride();

  withNodeOptions(withLocalOptions(cli.command('up')))
    .description('start the node; returns when it is usable')
    .option('--join-key-file <file>', 'the join key that lets this host join, once; - reads stdin')
    .option('--state-dir <dir>', "the node's identity and log (default: /var/lib/shadownet)")
    .option('--foreground', 'stay in the foreground and log to stderr')
    .addHelpText('after', UP_EXAMPLES)
    .action(async (options: Options) => {
      const [{ readNodeConfig }, { up }] = await Promise.all([import('./config.js'), import('./commands/up.js')]);
      await up(readNodeConfig(flagsOf(options), process.env), { foreground: options.foreground === true });
    });

  withLocalOptions(cli.command('down'))
    .description('stop the node; returns when its interface is gone')
    .action(async (options: Options) => {
      const [{ readLocalConfig }, { down }] = await Promise.all([import('./config.js'), import('./commands/down.js')]);
      await down(readLocalConfig(flagsOf(options), process.env));
    });

  withLocalOptions(cli.command('status'))
    .description('how the node and its links do')
    .option(
      '--explain <peer>',
      'why the path to this peer (hostname, IP or key) is what it is, and what would change it',
    )
    .option('--export <file>', 'with --explain: write what led to it into a file, for replay')
    .option('--json', 'for programs')
    .action(async ({ explain, export: exportTo, ...options }: Options) => {
      const [{ readLocalConfig }, { explainPath, status }] = await Promise.all([
        import('./config.js'),
        import('./commands/status.js'),
      ]);
      const config = readLocalConfig(flagsOf(options), process.env);
      const json = options.json === true;
      const file = typeof exportTo === 'string' ? exportTo : undefined;
      if (typeof explain === 'string') return await explainPath(config, explain, { json, exportTo: file });
      if (file === undefined) return await status(config, { json });
      const { NodeError } = await import('./node-error.js');
      throw new NodeError('usage', '--export needs --explain PEER');
    });

  withLocalOptions(cli.command('ping'))
    .description('whether a peer answers, and which way: until an answer comes by a direct path')
    .argument('<peer>', 'its hostname, virtual IP or public key')
    .option('--count <number>', 'pings at most', '10')
    .option('--no-until-direct', 'go on when an answer came by a direct path')
    .option('--json', 'one object a line, for programs')
    .action(async (peer: string, { count, untilDirect, ...options }: Options) => {
      const [{ parseCount, readLocalConfig }, { ping }] = await Promise.all([
        import('./config.js'),
        import('./commands/ping.js'),
      ]);
      await ping(readLocalConfig(flagsOf(options), process.env), {
        ...{ peer, count: parseCount('--count', String(count)), json: options.json === true },
        ends: untilDirect === false ? 'after-count' : 'when-direct',
      });
    });

  withLocalOptions(cli.command('can'))
    .description('whether one node may open something to another, and which rule decides: web-1 db-1 tcp/5432')
    .argument('<words...>', 'the two nodes (one of them this one) and the traffic, like tcp/22, udp/53 or icmp')
    .option('--json', 'for programs')
    .action(async (words: string[], options: Options) => {
      const [{ readLocalConfig }, { can }] = await Promise.all([import('./config.js'), import('./commands/can.js')]);
      await can(readLocalConfig(flagsOf(options), process.env), words, { json: options.json === true });
    });

  withLocalOptions(cli.command('peers'))
    .description('the peers of the mesh')
    .option('--json', 'for programs')
    .action(async (options: Options) => {
      const [{ readLocalConfig }, { peers }] = await Promise.all([
        import('./config.js'),
        import('./commands/peers.js'),
      ]);
      await peers(readLocalConfig(flagsOf(options), process.env), { json: options.json === true });
    });

  cli
    .command('netcheck')
    .description('what kind of network this host is in, and what that means for connecting')
    .option('--control <url>', 'the control server, whose STUN servers are asked')
    .option('--stun <host:port,…>', 'STUN servers (default: what the control server announces)')
    .option('--lifetime <seconds>', 'also test which silences up to this long (300 at most) a NAT mapping survives')
    .option('--state-dir <dir>', "the node's identity, which --lifetime needs (default: /var/lib/shadownet)")
    .addOption(new Option('--config <file>', 'a TOML file'))
    .option('--json', 'for programs')
    .action(async ({ lifetime, ...options }: Options) => {
      const [{ readNetcheckConfig }, { netcheck }] = await Promise.all([
        import('./config.js'),
        import('./commands/netcheck.js'),
      ]);
      const silence = typeof lifetime === 'string' ? lifetime : undefined;
      await netcheck(readNetcheckConfig(flagsOf(options), process.env, silence), { json: options.json === true });
    });

  withLocalOptions(cli.command('doctor'))
    .description('what a node needs of this host and its network, whether it is there, and how to mend what is not')
    .option('--control <url>', "the control server (default: the running node's)")
    .option('--state-dir <dir>', "the node's identity and log (default: /var/lib/shadownet)")
    .option('--json', 'for programs')
    .action(async (options: Options) => {
      const [{ readDoctorConfig }, { doctor }] = await Promise.all([
        import('./config.js'),
        import('./commands/doctor.js'),
      ]);
      await doctor(readDoctorConfig(flagsOf(options), process.env), { json: options.json === true });
    });

  cli
    .command('what-if')
    .description('how two hosts would connect, from what netcheck --json printed on each')
    .argument('<netcheck-a>', 'a file')
    .argument('<netcheck-b>', 'another')
    .option('--json', 'for programs')
    .action(async (a: string, b: string, options: Options) => {
      (await import('./commands/what-if.js')).whatIf([a, b], { json: options.json === true });
    });

  cli
    .command('replay')
    .description('the path to a peer again, from what status --explain PEER --export wrote, on a simulated clock')
    .argument('<file>', 'the export')
    .option('--json', 'for programs')
    .action(async (file: string, options: Options) => {
      (await import('./commands/replay.js')).replay(file, { json: options.json === true });
    });

  withNodeOptions(cli.command('install'))
    .description('make the node a systemd service, with no privilege but CAP_NET_ADMIN, and start it')
    .addOption(new Option('--interface <name>', 'the network interface (default: shadownet0)'))
    .addOption(new Option('--config <file>', 'a TOML file with the settings, in place of flags'))
    .option('--root <dir>', 'the root of an image to install into', '/')
    .action(async ({ root, ...options }: Options) => {
      const [{ readServiceConfig }, { install }] = await Promise.all([
        import('./config.js'),
        import('./commands/service.js'),
      ]);
      await install(readServiceConfig(flagsOf(options), process.env, String(root)));
    });

  cli
    .command('uninstall')
    .description('stop and remove the systemd service; the identity and the settings stay')
    .addOption(new Option('--interface <name>', 'the network interface (default: shadownet0)'))
    .option('--root <dir>', 'the root of an image to remove it from', '/')
    .action(async ({ root, ...options }: Options) => {
      const [{ readInstalledServiceConfig }, { uninstall }] = await Promise.all([
        import('./config.js'),
        import('./commands/service.js'),
      ]);
      await uninstall(readInstalledServiceConfig(flagsOf(options), process.env, String(root)));
    });

  cli
    .command('keygen')
    .description('print a fresh private key, as wg genkey does')
    .action(async () => (await import('./commands/keygen.js')).keygen());

  cli
    .command('version')
    .description('print the version')
    .action(() => void process.stdout.write(`shadownet-node ${VERSION}\n`));

  return cli;
}

/** What `up` can be told of the node, and a service that calls it. */
function withNodeOptions(command: Command): Command {
  return command
    .option('--control <url>', 'the control server; what stands behind # is its key')
    .option('--control-key <key>', "the control server's public key: no other is taken")
    .option('--uapi-dir <dir>', 'where the socket for wg is made, or off (default: /var/run/wireguard)')
    .option('--hostname <name>', "the node's name in the mesh (default: the host's)")
    .option('--port <number>', 'UDP port (default: the one of the last run, or any)')
    .option('--stun <host:port,…>', 'STUN servers (default: what the control server announces)')
    .option('--no-port-mapping', 'do not ask the router to forward a port (PCP, NAT-PMP, UPnP)')
    .option('--no-port-guessing', 'do not guess ports of NATs that choose a new one per destination')
    .option('--dataplane <kind>', 'how packets are moved: auto, linux or portable (default: auto)')
    .option('--workers <pairs>', 'pairs of threads that move packets (default: one for each two processors)')
    .option('--log-level <level>', 'trace, debug, info, warn, error or fatal (default: info)')
    .option('--timeout <seconds>', 'give up if the node is not usable by then (default: 30)');
}

function withLocalOptions(command: Command): Command {
  return command
    .addOption(new Option('--interface <name>', 'the network interface (default: shadownet0)'))
    .addOption(new Option('--run-dir <dir>', 'where the control socket is (default: /run/shadownet)'))
    .addOption(new Option('--config <file>', 'a TOML file'));
}

function flagsOf(options: Options): Flags {
  const flags: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    // commander makes `portMapping: false` of --no-port-mapping, and true where it is absent.
    if (name === 'portMapping' && value === false) flags['port_mapping'] = 'off';
    else if (name === 'portGuessing' && value === false) flags['port_guessing'] = 'off';
    else if (typeof value === 'string') flags[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return flags;
}

/** Whoever reads our output may have read enough, as head(1) does. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok);
    throw error;
  });
}

async function main(): Promise<void> {
  endWithReader();
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has already said what is wrong; its own code for usage errors is 1.
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
      return;
    }
    process.stderr.write(`shadownet-node: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

await main();
