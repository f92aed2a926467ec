// What a device whose paths are chosen by somebody else reports of the data that workers moved.
import { nodeCrypto } from '@shadownet/crypto';
import { milliseconds, relayPath, seconds } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceEvent } from '../device-types.js';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from '../simulated-network.js';
import { AllowedIpsTable } from './allowed-ips-table.js';
import { PeerCells } from './peer-cells.js';
import { originsEqual, type RelayOrigin } from './relay-route.js';

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;
let cells: PeerCells;
let peer: number;

beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000', endpoints: 'external' });
  bob = network.host({ endpoint: '192.0.2.2:2000' });
  alice.addPeer(bob, '10.0.0.2/32');
  bob.addPeer(alice, '10.0.0.1/32');
  alice.initiate(bob);
  network.run(milliseconds(100));
  cells = new PeerCells(alice.device.workerBuffers.peers);
  const table = new AllowedIpsTable(alice.device.takeAllowedIpsTable()!);
  peer = table.lookup(4, new DataView(ipv4Packet('10.0.0.1', '10.0.0.2').buffer), 16);
  look();
});

/** The events of one look. */
function look(): DeviceEvent[] {
  alice.device.handleWorkerTraffic(network.now, alice);
  const events: DeviceEvent[] = [];
  for (let event = alice.device.pollEvent(); event; event = alice.device.pollEvent()) events.push(event);
  return events;
}

describe('a look at what workers did', () => {
  it('reports when data was sent and when something came by the path, once', () => {
    const sentAt = network.now;
    cells.recordSent(peer, sentAt, 1312);
    expect(look()).toEqual([{ kind: 'traffic', peer: bob.publicKey, sent: { at: sentAt, largestBytes: 1312 } }]);
    network.run(milliseconds(20));
    const receivedAt = network.now;
    cells.recordReceived(peer, receivedAt, 96);
    expect(look()).toEqual([{ kind: 'traffic', peer: bob.publicKey, received: { at: receivedAt, largestBytes: 96 } }]);
    expect(look()).toEqual([]);
  });

  it('reports both in one event', () => {
    const at = network.now;
    cells.recordSent(peer, at, 1312);
    cells.recordReceived(peer, at, 96);
    expect(look()).toEqual([
      { kind: 'traffic', peer: bob.publicKey, sent: { at, largestBytes: 1312 }, received: { at, largestBytes: 96 } },
    ]);
  });

  it('does not count what comes from elsewhere as a sign that the path works, however long that goes on', () => {
    const carol = network.host({ endpoint: '192.0.2.3:3000' });
    cells.setArrival(peer, 'elsewhere');
    cells.observe(peer, carol.endpoint, undefined);
    cells.recordReceived(peer, network.now, 1312);
    expect(look()).toEqual([{ kind: 'authenticated-from', peer: bob.publicKey, path: carol.path }]);
    network.run(milliseconds(100));
    cells.recordReceived(peer, network.now, 1312);
    expect(look()).toEqual([]);
    network.run(milliseconds(100));
    cells.setArrival(peer, 'by-path');
    cells.recordReceived(peer, network.now, 96);
    // What came from elsewhere was large, and says nothing about this path.
    const received = { at: network.now, largestBytes: 96 };
    expect(look()).toEqual([{ kind: 'traffic', peer: bob.publicKey, received }]);
  });

  it('takes what came by a relay for that path, as whoever knows the relay’s sessions says', () => {
    const origin = { session: { slot: 1, generation: 2 }, channel: 3 };
    cells.observeRelayed(peer, origin);
    expect(look()).toEqual([]);
    const path = relayPath('eu', bob.publicKey);
    const pathOf = (asked: RelayOrigin) => (originsEqual(asked, origin) ? path : undefined);
    alice.device.useRelayRoutes({ routeOf: () => undefined, pathOf });
    cells.observeRelayed(peer, origin);
    expect(look()).toEqual([{ kind: 'authenticated-from', peer: bob.publicKey, path }]);
    network.run(seconds(2));
    cells.observeRelayed(peer, { ...origin, channel: 4 });
    expect(look()).toEqual([]);
  });

  it('reports no traffic of a device that roams by itself', () => {
    const table = new AllowedIpsTable(bob.device.takeAllowedIpsTable()!);
    const number = table.lookup(4, new DataView(ipv4Packet('10.0.0.1', '10.0.0.1').buffer), 16);
    new PeerCells(bob.device.workerBuffers.peers).recordSent(number, network.now, 96);
    expect(bob.device.handleWorkerTraffic(network.now, bob)).toBe(true);
    expect(bob.device.pollEvent()).toBeUndefined();
  });
});
