// The node as its systemd unit runs it: a user with no privilege but CAP_NET_ADMIN, who can never get more.
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { firstClosedTo } from '@shadownet/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { inRepository } from '../lab/repository.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';
import type { NodeStatus } from '../mesh/node-status.js';

const PROGRAM = inRepository('apps/node/bin/shadownet-node.js');
const NOBODY = 65_534;
const LEFT = '-all,+net_admin';
/** With the device as udev makes it, open to everybody; machines without udev have it for root alone. */
const WITH_TUN = [
  ...['unshare', '--mount', 'sh', '-c'],
  'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"',
  'sh',
];
const AS_THE_SERVICE = [
  ...WITH_TUN,
  ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'],
  ...[`--inh-caps=${LEFT}`, `--ambient-caps=${LEFT}`, `--bounding-set=${LEFT}`],
];

/** A user's checkout in a home directory is nothing that the service could read, either. */
const isClosed = [PROGRAM, process.execPath].some((path) => firstClosedTo(path) !== undefined);

describe.skipIf(whyNoLab() !== undefined || !isInstalled('setpriv') || isClosed)('a node without privileges', () => {
  let lab: Lab;
  let control: ControlServer;
  let host: LabHost;
  beforeAll(async () => {
    lab = await Lab.create();
    control = new ControlServer(await lab.addPublicHost('control', '203.0.113.10'), lab.makeDir('control'));
    await control.start();
    host = await lab.addPublicHost('host', '203.0.113.20');
  });
  afterAll(() => lab?.dispose());

  it('makes its interface, joins the mesh, and moves packets the fast way', async () => {
    const dir = lab.makeDir('service');
    for (const folder of [dirname(dir), dir]) chmodSync(folder, 0o711);
    const [state, run] = ['state', 'run'].map((name) => {
      const folder = join(dir, name);
      mkdirSync(folder, { mode: 0o700 });
      chownSync(folder, NOBODY, NOBODY);
      return folder;
    }) as [string, string];
    const up = [PROGRAM, 'up', '--foreground', '--control', control.url, '--state-dir', state, '--run-dir', run];
    const node = host.spawn([...AS_THE_SERVICE, process.execPath, ...up, '--uapi-dir', 'off']);

    const status = await eventually('the node to be up', 30_000, async () => {
      if (!node.running) throw new Error(node.stderrTail);
      const { code, stdout } = await host.tryRun([PROGRAM, 'status', '--json', '--run-dir', run]);
      return code === 0 ? (JSON.parse(stdout) as NodeStatus & { dataplane: string }) : undefined;
    });
    expect(status).toMatchObject({ state: 'up', dataplane: 'linux', control: { connected: true } });
    const { stdout: processStatus } = await host.run(['cat', `/proc/${node.pid}/status`]);
    expect(processStatus).toMatch(/^CapBnd:\s+0000000000001000$/m);
    expect((await host.run(['ping', '-c', '1', '-W', '2', status.virtual_ip])).code).toBe(0);
    node.signal('SIGTERM');
    expect(await node.ended).toEqual({ code: 0, signal: null });
  });
});
