// Measures the relay of a real control server on loopback: throughput by UDP and by WebSocket between two clients, with many more
// connected, and how fast the same process answers heartbeats meanwhile. Started by relay-bench.mjs.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Relay, registerResponseSchema } from '@shadownet/contracts';
import { TestNode } from '../../../apps/control/src/testing/test-node.js';
import type { LoadOptions } from './relay-load.js';

const ROOT = process.cwd();
const CONTROL = join(ROOT, 'apps', 'control', 'bin', 'shadownet-control.js');
const LOAD = fileURLToPath(new URL('./relay-load.mjs', import.meta.url));
const SETTLE_SECONDS = 2;
/**
 * All come from one address, of which the relay lets 100 connect in a second (DEFAULT_RELAY_LIMITS), and whoever is refused waits. While
 * some still connect they are a load of their own, so that all are waited for, but not for longer than this.
 */
const CONNECTING_MS = 45_000;
/** After 20 registrations: the API takes 100 requests a second from one address (SOURCE_LIMITS). */
const REGISTERING_MS = 220;
const HEARTBEAT_EVERY_MS = 20;

export interface RelayBenchOptions {
  readonly idleClients: number;
  readonly seconds: number;
  readonly payloadBytes: number;
}

const children: ChildProcess[] = [];

export async function runRelayBench({ idleClients, seconds, payloadBytes }: RelayBenchOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'shadownet-relay-bench-'));
  try {
    const server = await startControl(directory);
    const secrets = Array.from({ length: idleClients + 2 }, () => randomBytes(32));
    const nodes = secrets.map((secret) => new TestNode(server.url, server.publicKey, Uint8Array.from(secret)));
    let relays: Relay[] = [];
    for (let i = 0; i < nodes.length; i += 20) {
      const answers = await Promise.all(nodes.slice(i, i + 20).map((node) => node.register()));
      if (answers.some(({ status }) => status !== 200)) throw new Error('a registration was refused');
      await new Promise((resolve) => setTimeout(resolve, REGISTERING_MS));
      relays = registerResponseSchema.parse(answers[0]!.json).relays;
    }
    const relay = {
      publicKey: relays[0]!.public_key,
      udp: `127.0.0.1:${relays[0]!.udp_port}`,
      websocketUrl: `${server.url.replace('http', 'ws')}${relays[0]!.websocket_url}`,
    };
    print(`heartbeats, relay idle: ${await heartbeats(nodes[1]!, 2)}`);
    for (const transport of ['udp', 'stream'] as const) {
      const common = { relay, transport, payloadBytes };
      const text = (from: number, to?: number) => secrets.slice(from, to).map((secret) => secret.toString('base64'));
      const receiver = startLoad({ ...common, secrets: [...text(1, 2), ...text(2)], to: undefined });
      await connected(receiver.lines, idleClients);
      const sender = startLoad({ ...common, secrets: text(0, 1), to: nodes[1]!.publicKey });
      await new Promise((resolve) => setTimeout(resolve, SETTLE_SECONDS * 1000));
      receiver.lines.length = 0;
      const times = await heartbeats(nodes[1]!, seconds);
      const rates = receiver.lines.map(
        (line) => JSON.parse(line) as { frames: number; bytes: number; idleClients: number },
      );
      const frames = rates.reduce((sum, rate) => sum + rate.frames, 0) / rates.length;
      const mbit = (rates.reduce((sum, rate) => sum + rate.bytes, 0) / rates.length / 1e6) * 8;
      print(
        `${transport}: ${mbit.toFixed(0)} Mbit/s of payload, ${frames.toFixed(0)} frames/s of ${payloadBytes} bytes, ${Math.min(...rates.map((rate) => rate.idleClients))} other clients connected; heartbeats: ${times}`,
      );
      for (const { child } of [sender, receiver]) child.kill();
    }
  } finally {
    for (const child of children) child.kill();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Until the load process says that all its idle clients are connected. */
async function connected(lines: readonly string[], idleClients: number): Promise<void> {
  for (const deadline = performance.now() + CONNECTING_MS; performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const line = lines.at(-1);
    if (line !== undefined && (JSON.parse(line) as { idleClients: number }).idleClients >= idleClients) return;
  }
}

async function heartbeats(node: TestNode, seconds: number): Promise<string> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const start = performance.now();
    const { status } = await node.heartbeat();
    if (status !== 200) throw new Error(`a heartbeat got ${status}`);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_EVERY_MS));
  }
  times.sort((a, b) => a - b);
  const at = (fraction: number) => `${times[Math.floor((times.length - 1) * fraction)]!.toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} of ${times.length}`;
}

function startControl(directory: string): Promise<{ readonly url: string; readonly publicKey: string }> {
  const options = [
    '--open',
    '--listen',
    '127.0.0.1:0',
    '--relay-port',
    '0',
    '--stun-ports',
    'off',
    '--data-dir',
    directory,
  ];
  const child = spawn(process.execPath, [CONTROL, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error(`the control server ended:\n${text}`)));
    child.stderr.on('data', (part: Buffer) => {
      text += part.toString();
      const line = text.split('\n').find((each) => each.includes('"listening"') && each.endsWith('}'));
      if (!line) return;
      const { url, public_key: publicKey } = JSON.parse(line) as { url: string; public_key: string };
      resolve({ url, publicKey });
    });
  });
}

function startLoad(load: LoadOptions): { readonly child: ChildProcess; readonly lines: string[] } {
  const child = spawn(process.execPath, [LOAD, JSON.stringify(load)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  child.stdout.on('data', (part: Buffer) => lines.push(...part.toString().trim().split('\n')));
  return { child, lines };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
