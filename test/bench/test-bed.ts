// Two hosts and the wire between them, and for a tunnel contender its tunnel. Made afresh for each turn of each contender.
//
//     left 198.19.1.1 ───────── veth ───────── 198.19.1.2 right
//     10.99.0.1 ═══════════════ tunnel ══════════════ 10.99.0.2
import { Lab, type LabHost } from '../lab/lab.js';
import { type Contender, type TunnelContender } from './contender.js';
import { type KeyPair, newKeyPair, TunnelEnd, type WgPeer } from './tunnel-end.js';

export const LEFT_WIRE = '198.19.1.1';
export const RIGHT_WIRE = '198.19.1.2';
const LEFT_TUNNEL = '10.99.0.1';
const RIGHT_TUNNEL = '10.99.0.2';
const PORT = 51_820;

export interface Tunnel {
  readonly left: TunnelEnd;
  readonly right: TunnelEnd;
}

export interface TestBed {
  readonly lab: Lab;
  readonly left: LabHost;
  readonly right: LabHost;
  readonly contender: Contender;
  /** Of a tunnel contender. */
  readonly tunnel: Tunnel | undefined;
  /** The address of the right host as seen through the contender. */
  readonly target: string;
}

/** Lays everything out, runs `use`, and removes everything, whatever happens. */
export async function withTestBed<T>(contender: Contender, use: (bed: TestBed) => Promise<T>): Promise<T> {
  const lab = await Lab.create({ disposeOnSignals: false });
  let tunnel: Tunnel | undefined;
  try {
    // The lab's own segment is a bridge; the hosts are joined past it, since a bridge would cost every packet something.
    const left = await lab.addPublicHost('left', '203.0.113.1');
    const right = await lab.addPublicHost('right', '203.0.113.2');
    await left.connect('wire', right, 'wire');
    await left.addAddress('wire', `${LEFT_WIRE}/24`);
    await right.addAddress('wire', `${RIGHT_WIRE}/24`);
    if (contender.kind === 'wire') {
      return await use({ lab, left, right, contender, tunnel: undefined, target: RIGHT_WIRE });
    }
    tunnel = newTunnel({ lab, left, right }, contender, { left: LEFT_TUNNEL, right: RIGHT_TUNNEL, port: PORT });
    await tunnel.right.start();
    await tunnel.left.start();
    await left.run(['ping', '-n', '-c', '1', '-i', '0.2', '-w', '10', RIGHT_TUNNEL]);
    return await use({ lab, left, right, contender, tunnel, target: RIGHT_TUNNEL });
  } finally {
    await tunnel?.left.stop();
    await tunnel?.right.stop();
    await lab.dispose();
  }
}

export interface TunnelAddresses {
  readonly left: string;
  readonly right: string;
  /** Of both ends. */
  readonly port: number;
}

/** Both ends with fresh keys, not started. The left one knows where the right one is, and not the other way round. */
export function newTunnel(
  { lab, left, right }: Pick<TestBed, 'lab' | 'left' | 'right'>,
  contender: TunnelContender,
  addresses: TunnelAddresses,
): Tunnel {
  const leftKeys = newKeyPair();
  const rightKeys = newKeyPair();
  const end = (host: LabHost, address: string, keys: KeyPair, peer: WgPeer): TunnelEnd =>
    new TunnelEnd(lab, host, contender, {
      keys,
      listenPort: addresses.port,
      address: `${address}/24`,
      peers: [peer],
    });
  return {
    left: end(left, addresses.left, leftKeys, {
      publicKey: rightKeys.publicKey,
      allowedIps: [`${addresses.right}/32`],
      endpoint: `${RIGHT_WIRE}:${String(addresses.port)}`,
    }),
    right: end(right, addresses.right, rightKeys, {
      publicKey: leftKeys.publicKey,
      allowedIps: [`${addresses.left}/32`],
    }),
  };
}
