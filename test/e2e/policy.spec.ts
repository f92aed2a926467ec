// The policy decides on real traffic: a change takes effect at once, also on connections that are open, and nodes that may not talk
// vanish from each other's view.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { serveTcp, TcpTalk } from '../mesh/tcp-talk.js';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

/** From the answer of `policy apply` on. */
const EFFECT_MS = 2000;

describe.skipIf(whyNoLab() !== undefined).each(['auto', 'portable'])('a policy, --dataplane %s', (dataPlane) => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ipA: string;
  let ipB: string;
  let file: string;
  const talks: TcpTalk[] = [];
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab, { flags: ['--dataplane', dataPlane] });
    ({ ipA, ipB } = await mesh.start());
    file = join(lab.makeDir('policy'), 'policy.json');
    await Promise.all([serveTcp(mesh.hostA, [22]), serveTcp(mesh.hostB, [22, 80])]);
  });
  afterAll(async () => {
    for (const talk of talks) await talk.stop();
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  /** Returns when it is in force, by performance.now(). */
  async function apply(rules: readonly object[]): Promise<number> {
    writeFileSync(file, JSON.stringify({ hosts: { a: ipA, b: ipB }, rules }));
    await mesh.control.command('policy', 'apply', file);
    return performance.now();
  }

  function talk(from: 'a' | 'b', port: number): TcpTalk {
    const [host, address] = from === 'a' ? [mesh.hostA, ipB] : [mesh.hostB, ipA];
    const talking = TcpTalk.start(host, address, port);
    talks.push(talking);
    return talking;
  }

  it('lets replies pass, ends what it no longer allows within 2 s, and leaves the rest alone', async () => {
    const [ssh, web, back] = [talk('a', 22), talk('a', 80), talk('b', 22)];
    for (const each of [ssh, web, back]) await each.moreAnswers(5, 30_000);

    const gaveUp = ssh.gaveUp;
    const at = await apply([{ name: 'ssh', from: ['a'], to: ['b'], allow: ['tcp/22'] }]);
    for (const ended of [web, back]) {
      await ended.moreFailures(2, 30_000);
      expect(ended.answers.at(-1)! - at).toBeLessThan(EFFECT_MS);
    }
    await ssh.moreAnswers(20, 30_000);
    expect(ssh.gaveUp).toBe(gaveUp);
    expect(web.answers.at(-1)! - at).toBeLessThan(EFFECT_MS);
    const { counters } = await mesh.nodeB.status();
    expect(counters['filter-denied']).toBeGreaterThan(0);
  });

  it('can be asked at the node', async () => {
    const yes = await mesh.nodeA.command('can', ipA, '→', ipB, 'tcp/22');
    expect([yes.code, yes.stdout]).toEqual([0, expect.stringContaining('allowed by rule 0 "ssh"')]);
    const no = await mesh.nodeA.command('can', ipA, ipB, 'tcp/80');
    expect([no.code, no.stdout]).toEqual([1, expect.stringContaining('no: ')]);
  });

  it('takes nodes that may not talk out of each other’s view, and a rollback brings them back', async () => {
    const at = await apply([]);
    for (const node of [mesh.nodeA, mesh.nodeB]) {
      const gone = async () => ((await node.status()).peers.length === 0 ? true : undefined);
      await eventually('the peer to vanish', 10_000, gone);
    }
    const ssh = talks[0]!;
    await ssh.moreFailures(1, 30_000);
    expect(ssh.answers.at(-1)! - at).toBeLessThan(EFFECT_MS);
    await mesh.control.command('policy', 'rollback', '1');
    await ssh.moreAnswers(5, 30_000);
  });
});
