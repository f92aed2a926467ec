// `shadownet-node doctor` on hosts that lack something: it finds what, and the fix that it prints mends it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, type LabHost } from '../lab/lab.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';

const BINARY = inRepository('node_modules/.bin/shadownet-node');

interface Report {
  readonly findings: readonly {
    readonly check: string;
    readonly verdict: string;
    readonly detail: string;
    readonly fix?: string;
  }[];
}

describe.skipIf(whyNoLab() !== undefined)('shadownet-node doctor', () => {
  let lab: Lab;
  let control: ControlServer;
  let host: LabHost;
  beforeAll(async () => {
    lab = await Lab.create();
    control = new ControlServer(await lab.addPublicHost('control', '203.0.113.10'), lab.makeDir('control'));
    await control.start();
    const router = await lab.addNat('nat', {
      ...{ behaviour: { kind: 'port-restricted' }, address: '203.0.113.20', lan: '192.168.1.1/24' },
    });
    host = await lab.addHost('host', router, '192.168.1.2');
  });
  afterAll(() => lab?.dispose());

  async function doctor(url = control.url) {
    const state = lab.makeDir('doctor');
    const argv = [BINARY, 'doctor', '--json', '--control', url, '--state-dir', state, '--run-dir', state];
    const { code, stdout } = await host.tryRun(argv, { timeoutMs: 60_000 });
    const { findings } = JSON.parse(stdout) as Report;
    const by = (check: string) => findings.find((finding) => finding.check === check)!;
    return { code, findings, by };
  }

  it('finds nothing wrong with a host in a home network', async () => {
    const { code, findings } = await doctor();
    expect(findings.filter(({ verdict }) => verdict === 'problem' || verdict === 'warning')).toEqual([]);
    expect(code).toBe(0);
    const tested = findings.filter(({ verdict }) => verdict === 'ok').map(({ check }) => check);
    const expected = ['tun', 'data-plane', 'underlay-mtu', 'address-conflict', 'firewall', 'control', 'clock', 'udp'];
    expect(tested).toEqual(expect.arrayContaining(expected));
    expect((await host.run(['ip', '-o', 'link'])).stdout).not.toContain('sndoctor');
  });

  it('finds a firewall that keeps the mesh out, and is content once its advice was followed', async () => {
    await host.run(['iptables', '-P', 'INPUT', 'DROP']);
    await host.run(['iptables', '-A', 'INPUT', '-i', 'eth0', '-j', 'ACCEPT']);
    const { code, by } = await doctor();
    expect(by('firewall').verdict).toBe('warning');
    expect(code).toBe(0);
    const command = /iptables [^(]*ACCEPT/.exec(by('firewall').fix ?? '')?.[0] ?? '';
    await host.run(command.split(' '));
    expect((await doctor()).by('firewall').verdict).toBe('ok');
  });

  it('finds a small link and a network that takes addresses of the mesh, and ends with 1', async () => {
    await host.run(['ip', 'link', 'set', 'eth0', 'mtu', '1300']);
    await host.run(['ip', 'link', 'add', 'clash', 'type', 'veth', 'peer', 'name', 'clash-end']);
    await host.run(['ip', 'address', 'add', '10.100.7.1/24', 'dev', 'clash']);
    await host.run(['ip', 'link', 'set', 'clash', 'up']);
    const { code, by } = await doctor();
    expect(by('underlay-mtu')).toMatchObject({
      verdict: 'problem',
      fix: expect.stringContaining('mtu 1500') as unknown,
    });
    expect(by('address-conflict').detail).toContain('10.100.7.0/24 on clash');
    expect(code).toBe(1);
    await host.run(['ip', 'link', 'delete', 'clash']);
    await host.run(['ip', 'link', 'set', 'eth0', 'mtu', '1500']);
    expect((await doctor()).code).toBe(0);
  });

  it('says which step towards the control server fails', async () => {
    const refused = await doctor('http://203.0.113.10:9');
    expect(refused.by('dns').verdict).toBe('ok');
    expect(refused.by('control')).toMatchObject({ verdict: 'problem' });
    expect(refused.by('udp').verdict).toBe('not-tested');
    expect(refused.code).toBe(1);
    const unknown = await doctor('http://no-such-host.invalid:8080');
    expect(unknown.by('dns').verdict).toBe('problem');
  });
});
