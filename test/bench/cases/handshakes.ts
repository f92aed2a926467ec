// Handshakes per second as responder: 1,000 peers, each at an address of its own, start handshakes as fast as they are answered.
// What is counted is responses: for each the responder did four DH operations and made a session.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeBase64 } from '@shadownet/primitives';
import { type BenchCase } from '../bench-case.js';
import { type HandshakeLoad, makeHandshakeLoad } from '../handshake-load/initiations.js';
import { CALLERS_PREFIX, type LoadPlan, type LoadReport } from '../handshake-load/load-plan.js';
import { type Measurements } from '../metric.js';
import { LEFT_WIRE, RIGHT_WIRE, type TestBed } from '../test-bed.js';
import { TunnelEnd } from '../tunnel-end.js';

const CALLERS = 1000;
/** Prepared for each second of the load: more than any responder answers on two cores that it shares with the callers. */
const INITIATIONS_PER_SECOND = 8000;
const WARM_UP_SECONDS = 0.5;
const MAX_SECONDS = 3;
const PORT = 51_950;
const ADDRESS = '10.97.0.1/24';

/** Bundled beside the benchmark by bench.mjs. */
const LOAD_PROCESS = fileURLToPath(new URL('./load-process.mjs', import.meta.url));

export const handshakesCase: BenchCase = {
  id: 'handshakes',
  metrics: ['handshakes', 'handshakes-lost', 'handshakes-cookies'],
  needs: 'tunnel',
  when: 'warm',
  run: (bed, { seconds }) => measureHandshakes(bed, Math.min(seconds, MAX_SECONDS)),
};

async function measureHandshakes(bed: TestBed, seconds: number): Promise<Measurements> {
  const { lab, left, right, contender } = bed;
  if (contender.kind !== 'tunnel') throw new Error(`${contender.title} is not a program`);
  const load = preparedLoad(seconds);
  const responder = new TunnelEnd(lab, right, contender, {
    keys: load.responder,
    listenPort: PORT,
    address: ADDRESS,
    peers: load.callers.map((publicKey, index) => ({
      publicKey,
      allowedIps: [`10.97.${String(1 + (index >> 8))}.${String(index & 0xff)}/32`],
    })),
  });
  // All callers live on one host, which answers for the whole prefix; the responder reaches it without one ARP entry for each.
  await left.ip('route', 'replace', 'local', CALLERS_PREFIX, 'dev', 'lo');
  await right.ip('route', 'replace', CALLERS_PREFIX, 'via', LEFT_WIRE);
  const initiationsFile = join(lab.makeDir('handshakes'), 'initiations');
  writeFileSync(initiationsFile, Buffer.concat(load.initiations));
  const plan: LoadPlan = {
    initiationsFile,
    callers: load.callers.length,
    responder: { address: RIGHT_WIRE, port: PORT, publicKey: encodeBase64(load.responder.publicKey) },
    warmUpMs: WARM_UP_SECONDS * 1000,
    measureMs: seconds * 1000,
  };
  try {
    await responder.start();
    const { stdout } = await left.run([process.execPath, LOAD_PROCESS, JSON.stringify(plan)]);
    const { answered, lost, cookies, elapsedMs } = JSON.parse(stdout) as LoadReport;
    if (answered === 0) throw new Error(`${contender.title} answered no handshake`);
    const percentOfAll = (count: number): number => (100 * count) / (answered + lost);
    return {
      handshakes: answered / (elapsedMs / 1000),
      'handshakes-lost': percentOfAll(lost),
      'handshakes-cookies': percentOfAll(cookies),
    };
  } finally {
    await responder.stop();
  }
}

/** Made once: preparing takes seconds, and every contender gets the same. */
let prepared: { readonly seconds: number; readonly load: HandshakeLoad } | undefined;
function preparedLoad(seconds: number): HandshakeLoad {
  if (prepared?.seconds !== seconds) {
    const rounds = Math.ceil((INITIATIONS_PER_SECOND * (seconds + WARM_UP_SECONDS)) / CALLERS);
    prepared = { seconds, load: makeHandshakeLoad(CALLERS, rounds) };
  }
  return prepared.load;
}
