// Tunnels whose data is moved by packet workers: no packet passes the core, and the paths must be watched all the same.

import { endpoint, milliseconds, parseIpAddress, remoteOf, seconds } from '@shadownet/primitives';
import { PeerCells } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

/** Of the only peer: numbers are given from zero. */
const PEER = 0;
const TICK = milliseconds(100);
const DATAGRAM_BYTES = 148;

let mesh: SimulatedMesh;
let a: SimulatedMeshNode;
let b: SimulatedMeshNode;
let cells: PeerCells;

beforeEach(() => {
  mesh = new SimulatedMesh();
  a = mesh.addNode('a', mesh.network.internet, '198.51.100.1');
  b = mesh.addNode('b', mesh.network.internet, '198.51.100.2');
  const took = mesh.network.runUntilTrue(() => a.isConnectedTo(b) && b.isConnectedTo(a), seconds(5));
  if (took === undefined) throw new Error('the nodes did not connect');
  mesh.network.run(seconds(3));
  cells = new PeerCells(a.tunnel.packetWorkers.workerBuffers.peers);
});

/** One tick after another, each with what the workers of `a` did in it. */
function runTicks(count: number, work: () => void): void {
  for (let tick = 0; tick < count; tick++) {
    work();
    a.lookAtWorkers();
    mesh.network.run(TICK);
  }
}

const lostPaths = (node: SimulatedMeshNode): string[] =>
  node.events.flatMap((event) => (event.kind === 'path-lost' ? [event.reason] : []));

describe('a path that workers send by', () => {
  it('is checked and lost within 4 s of data that nobody answers', () => {
    b.kill();
    runTicks(38, () => cells.recordSent(PEER, mesh.network.now, DATAGRAM_BYTES));
    expect(lostPaths(a)).toEqual(['data-unanswered']);
  });

  it('is not doubted while data comes back by it', () => {
    b.kill();
    runTicks(38, () => {
      cells.recordSent(PEER, mesh.network.now, DATAGRAM_BYTES);
      cells.recordReceived(PEER, mesh.network.now, DATAGRAM_BYTES);
    });
    expect(lostPaths(a)).toEqual([]);
    expect(a.linkTo(b).pathState).toBe('connected');
  });

  it('is doubted while data comes back from elsewhere only', () => {
    b.kill();
    cells.setArrival(PEER, 'elsewhere');
    runTicks(38, () => {
      cells.recordSent(PEER, mesh.network.now, DATAGRAM_BYTES);
      cells.recordReceived(PEER, mesh.network.now, DATAGRAM_BYTES);
    });
    expect(lostPaths(a)).toEqual(['data-unanswered']);
  });

  it('stays in use when it is checked and found to work', () => {
    runTicks(100, () => cells.recordSent(PEER, mesh.network.now, DATAGRAM_BYTES));
    expect(lostPaths(a)).toEqual([]);
  });

  it('has the address that authentic data came from as a further candidate', () => {
    const elsewhere = endpoint(parseIpAddress('198.51.100.77')!, 4242);
    cells.setArrival(PEER, 'elsewhere');
    cells.observe(PEER, elsewhere, undefined);
    cells.recordReceived(PEER, mesh.network.now, DATAGRAM_BYTES);
    expect(a.lookAtWorkers()).toBe(true);
    const { candidates, path } = a.linkTo(b);
    expect(candidates).toContainEqual(expect.objectContaining({ kind: 'peer-reflexive', endpoint: elsewhere }));
    expect(path && remoteOf(path)?.port).toBe(51820);
  });
});
