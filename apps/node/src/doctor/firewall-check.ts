// Whether this host's own packet filter keeps out what peers send into the mesh: the usual reason why a peer answers to
// `shadownet-node ping`, and its services do not.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Finding, notTested, ok, warning } from './finding.js';

/** What a ruleset does with packets that come in by an interface. */
export type InboundVerdict = { readonly kind: 'open' } | { readonly kind: 'closed'; readonly by: string };

const TIMEOUT_MS = 5_000;
const MAX_RULESET_BYTES = 64 * 1024 * 1024;

/** Parts of what `nft -j list ruleset` prints (libnftables-json(5)). */
interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}
interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly expr: readonly unknown[];
}

export async function checkFirewall(interfaceName: string): Promise<Finding> {
  const verdict = await findVerdict(interfaceName);
  if (!verdict) return notTested('firewall', 'neither nft nor iptables tells its rules (root is needed)');
  if (verdict.kind === 'open') return ok('firewall', `nothing keeps out what comes in by ${interfaceName}`);
  return warning(
    'firewall',
    `${verdict.by} drops what comes in, and has no rule for ${interfaceName}: peers reach no service of this host`,
    `allow what the mesh may reach, for example: iptables -I INPUT -i ${interfaceName} -j ACCEPT (with ufw: ufw allow in on ${interfaceName})`,
  );
}

async function findVerdict(interfaceName: string): Promise<InboundVerdict | undefined> {
  const nft = await outputOf('nft', ['-j', 'list', 'ruleset']);
  if (nft !== undefined) return inboundByNft(nft, interfaceName);
  const iptables = await outputOf('iptables', ['-S']);
  return iptables === undefined ? undefined : inboundByIptables(iptables, interfaceName);
}

/** A chain at the input hook that drops by default closes it, unless its table accepts packets of the interface. */
export function inboundByNft(json: string, interfaceName: string): InboundVerdict {
  const { nftables } = JSON.parse(json) as { nftables: readonly { chain?: NftChain; rule?: NftRule }[] };
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  for (const { chain } of nftables) {
    if (chain?.hook !== 'input' || chain.policy !== 'drop') continue;
    const accepts = rules.some(
      ({ family, table, expr }) =>
        family === chain.family && table === chain.table && namesInterface(expr, interfaceName) && isAccept(expr),
    );
    if (!accepts) return { kind: 'closed', by: `nftables (${chain.family} ${chain.table} ${chain.name})` };
  }
  return { kind: 'open' };
}

/** `rules` is what `iptables -S` prints. */
export function inboundByIptables(rules: string, interfaceName: string): InboundVerdict {
  const lines = rules.split('\n');
  const accepts = lines.some((line) => line.includes(`-i ${interfaceName} `) && line.endsWith('-j ACCEPT'));
  if (accepts || !lines.some((line) => /^-P INPUT (DROP|REJECT)$/.test(line))) return { kind: 'open' };
  return { kind: 'closed', by: 'iptables (chain INPUT)' };
}

function namesInterface(expr: readonly unknown[], interfaceName: string): boolean {
  const text = JSON.stringify(expr);
  return text.includes('"iif') && text.includes(JSON.stringify(interfaceName));
}

function isAccept(expr: readonly unknown[]): boolean {
  return expr.some((part) => typeof part === 'object' && part !== null && 'accept' in part);
}

/** Undefined if the program is not there, or may not. */
async function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_RULESET_BYTES, env: { ...process.env, PATH } };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch {
    return undefined;
  }
}
