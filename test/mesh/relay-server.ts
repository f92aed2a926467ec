// The real shadownet-relay on a host of a lab, and a control server that names such relays to its nodes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';
import { inRepository } from '../lab/repository.js';
import { JsonLog } from './json-log.js';
import { TwoNatMesh, type TwoNatMeshOptions } from './two-nat-mesh.js';

const BINARY = inRepository('node_modules/.bin/shadownet-relay');
const PORT = 3480;
const START_TIMEOUT_MS = 30_000;

export class RelayServer {
  private constructor(
    readonly id: string,
    readonly host: LabHost,
    readonly publicKey: string,
    private readonly process: LabProcess,
  ) {}

  /** Returns when it listens. */
  static async start(id: string, host: LabHost, dir: string, ticketKey: string): Promise<RelayServer> {
    const listen = `${host.address}:${String(PORT)}`;
    const keyFile = join(dir, 'relay.key');
    const process = host.spawn([BINARY, '--listen', listen, '--key-file', keyFile, '--ticket-key', ticketKey]);
    const log = new JsonLog();
    process.onStderrLine((line) => log.append(line));
    const { public_key: publicKey } = await log.waitFor('listening', START_TIMEOUT_MS);
    return new RelayServer(id, host, String(publicKey), process);
  }

  /** As `--relays` names it. */
  get description(): object {
    const { id, publicKey: public_key, host } = this;
    const websocket_url = `ws://${host.address}:${String(PORT)}/relay/v1`;
    return { id, public_key, host: host.address, udp_port: PORT, websocket_url };
  }

  async kill(): Promise<void> {
    await this.process.stop('SIGKILL');
  }
}

export interface RelayedMesh {
  readonly mesh: TwoNatMesh;
  readonly relays: readonly RelayServer[];
}

/** Two hosts behind NATs, and one relay on a public host of its own for each of `ids`, none in the control server. Nodes are not up yet. */
export async function layOutWithRelays(
  lab: Lab,
  ids: readonly string[],
  options: TwoNatMeshOptions = {},
): Promise<RelayedMesh> {
  const file = join(lab.makeDir('relays'), 'relays.json');
  writeFileSync(file, '[]');
  const mesh = await TwoNatMesh.layOut(lab, { ...options, controlFlags: ['--no-relay', '--relays', file] });
  // A relay has to know the key of the control server, and the control server those of the relays.
  await mesh.control.start();
  const { ticket_key: ticketKey } = await mesh.control.log.waitFor('listening', START_TIMEOUT_MS);
  const relays: RelayServer[] = [];
  for (const [i, id] of ids.entries()) {
    const host = await lab.addPublicHost(id, `203.0.113.${String(30 + i)}`);
    relays.push(await RelayServer.start(id, host, lab.makeDir(id), String(ticketKey)));
  }
  await mesh.control.stop('SIGTERM');
  writeFileSync(file, JSON.stringify(relays.map(({ description }) => description)));
  return { mesh, relays };
}
