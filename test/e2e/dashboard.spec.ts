// The dashboard in a real browser, against the real control server and two real nodes that have traffic between them.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LinkDetails } from '@shadownet/contracts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DashboardForwarder } from '../demo/dashboard-forwarder.js';
import { findFreePort } from '../lab/free-port.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
/** As root without a sandbox, and without the services by which a browser calls home. */
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(whyNoLab() !== undefined || BROWSER === undefined)('the dashboard', () => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ping: Ping;
  let forwarder: DashboardForwarder;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab);
    const { ipB } = await mesh.start();
    ping = Ping.start(mesh.hostA, ipB, 50);
    await ping.firstReply(15_000);
    const port = await findFreePort();
    forwarder = await DashboardForwarder.start(mesh.control, port, lab.makeDir('forwarder'));
    browser = await chromium.launch({ executablePath: BROWSER!, args: BROWSER_FLAGS });
    page = await browser.newPage();
    const origin = `http://127.0.0.1:${String(port)}`;
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${origin}/`)) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(origin);
  });
  afterAll(async () => {
    await browser?.close();
    forwarder?.close();
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  it('shows both nodes, that they are active, and the direct path between them', async () => {
    await page.getByRole('heading', { name: 'Both nodes online' }).waitFor({ timeout: 20_000 });
    for (const name of ['host-a', 'host-b']) {
      const row = page.getByRole('row', { name: new RegExp(`${name}.*active.*10\\.100\\.`, 's') }).first();
      await row.waitFor({ timeout: 20_000 });
      // The first answer may have come by the relay, and a heartbeat tells the server of the path.
      await expect.poll(() => row.innerText(), { timeout: 20_000 }).toMatch(/1 direct/);
    }
  });

  it('says of a link why it is direct, as both ends see it', async () => {
    await page.getByRole('button', { name: 'Why direct? host-b' }).click();
    for (const name of ['host-a', 'host-b']) {
      const end = page.getByRole('region', { name: `The path as ${name} sees it` });
      await expect.poll(() => end.innerText(), { timeout: 40_000 }).toMatch(/Direct to 203\.0\.113\.\d+:\d+, where/);
      expect(await end.innerText()).toMatch(/server-reflexive\s+203\.0\.113\.\d+:\d+\s+answered after/);
    }
  });

  it('shows what a server says of a link as text, whatever it is', async () => {
    const markup = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    const title = await page.title();
    const url = '**/api/v1/links/**';
    await page.route(url, async (route) => {
      const answer = (await (await route.fetch()).json()) as LinkDetails;
      const [end] = answer.ends;
      const explanation = { ...end.explanation!, path: 'relay' as const, verdict: markup, remedies: [markup] };
      explanation.attempts = [{ kind: 'relay', endpoint: markup, result: 'answered', probes: 1, rtt_ms: 40 }];
      await route.fulfill({ json: { ends: [{ ...end, explanation }, answer.ends[1]] } });
    });
    const shown = page.getByRole('region', { name: 'The path as host-a sees it' });
    await expect.poll(() => shown.innerText(), { timeout: 20_000 }).toContain(`What would make it direct: ${markup}.`);
    expect(await shown.locator('img, script').count()).toBe(0);
    expect(await page.title()).toBe(title);
    await page.unroute(url);
    await page.getByRole('button', { name: 'Why direct? host-b' }).click();
  });

  it('shows bytes that move while the nodes talk', async () => {
    const traffic = page.getByText('Traffic now').locator('..');
    await expect.poll(() => traffic.innerText(), { timeout: 30_000 }).toMatch(/[1-9][\d.]* (B|KiB|MiB)\/s/);
  });

  it('asks nobody but its own server, and breaks no rule of its content security policy', () => {
    expect(complaints).toEqual([]);
  });

  it('says that it is stale when the server is gone, while the nodes go on', async () => {
    await mesh.control.stop('SIGKILL');
    await page.getByText('Stale').waitFor({ timeout: 20_000 });
    expect(await page.locator('body').innerText()).toContain('host-a');
    await ping.moreReplies(10, 10_000);
  });
});

describe.skipIf(BROWSER === undefined)('the dashboard of a server that is not open', () => {
  const directory = mkdtempSync(join(tmpdir(), 'shadownet-dashboard-'));
  let server: ChildProcess;
  let origin: string;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const program = inRepository('node_modules/.bin/shadownet-control');
    const options = [
      '--listen',
      '127.0.0.1:0',
      '--stun-ports',
      'off',
      '--no-relay',
      '--data-dir',
      join(directory, 'data'),
    ];
    server = spawn(program, ['serve', ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface(server.stderr!)) {
      const { event, url } = JSON.parse(line) as { event?: string; url?: string };
      if (event === 'listening') origin = url!;
      if (event === 'setup-pending') break;
    }
    server.stderr!.resume();
    browser = await chromium.launch({ executablePath: BROWSER!, args: BROWSER_FLAGS });
    page = await browser.newPage();
    page.on('console', (message) => {
      // A refusal is an error to the browser, but not of the page.
      if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    if (server?.exitCode === null) {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.on('close', resolve));
    }
    rmSync(directory, { recursive: true, force: true });
  });

  const fill = async (name: string, password: string, button: string) => {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: button }).click();
  };

  it('makes the first admin by the setup link, and shows the network to that one', async () => {
    const link = readFileSync(join(directory, 'data', 'setup-link'), 'utf8').trim();
    await page.goto(link);
    await fill('alice', 'correct horse battery', 'Become admin');
    await page.getByText('alice is an admin now').waitFor();
    expect(page.url()).toBe(`${origin}/setup`);
    await page.getByRole('link', { name: 'To the network' }).click();
    await page.getByRole('heading', { name: 'Add the first node' }).waitFor();
  });

  it('shows nothing of it after signing out, nor with a wrong password', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to see the network' }).waitFor();
    await fill('alice', 'a wrong guess', 'Sign in');
    await page.getByText('The name or the password is wrong').waitFor();
    expect(await page.locator('body').innerText()).not.toMatch(/10\.100\.|Add the first node/);
    expect(await page.context().cookies()).toEqual([]);
  });

  it('signs in with the password, by a cookie that its own scripts cannot read', async () => {
    await fill('alice', 'correct horse battery', 'Sign in');
    await page.getByRole('heading', { name: 'Add the first node' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(complaints).toEqual([]);
  });

  it('shows what nodes call themselves as text, even if it were markup (XSS)', async () => {
    const markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    await page.route('**/api/v1/overview', async (route) => {
      const answer = await route.fetch();
      const overview = (await answer.json()) as Record<string, unknown>;
      const now = new Date().toISOString();
      const node = {
        ...{ id: markup, public_key: markup, hostname: markup, os: markup, version: markup, virtual_ip: markup },
        ...{ endpoint: markup, candidates: [], online: true, registered_at: now, last_heartbeat: now },
      };
      await route.fulfill({ response: answer, json: { ...overview, nodes: [node] } });
    });
    await page.reload();
    await page.getByText(markup).first().waitFor();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('main img, main script').count()).toBe(0);
  });
});
