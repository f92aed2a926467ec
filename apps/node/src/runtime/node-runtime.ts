// A running node: composes keys, socket, tunnel, TUN device and control session, in the order of docs/node-runtime.md:
//
//   control socket → keys → data plane, interface down → UDP socket → server's key → STUN (500 ms at most) → registration
//     → interface up, UAPI socket → event stream → ready

import { release, type } from 'node:os';
import type { HeartbeatRequest, JoinProof, RegisterRequest, RegisterResponse, ServerInfo } from '@shadownet/contracts';
import { chooseCryptoProvider, type CryptoProvider, nodeCandidate, SipHasher } from '@shadownet/crypto';
import { evpCandidate } from '@shadownet/crypto/evp';
import type { DataPlane, DataPlaneChoice, OpenedDataPlane } from '@shadownet/dataplane';
import {
  addDuration,
  encodePublicKey,
  formatIpAddress,
  type Instant,
  parseIpAddress,
  parseIpPrefix,
  type PublicKey,
  publicKeysEqual,
  seconds,
} from '@shadownet/primitives';
import type { RelayTransport } from '@shadownet/relay';
import { Tunnel, type TunnelEvent } from '@shadownet/tunnel';
import { openLinuxUdp, UdpError, type UdpSocket } from '@shadownet/udp';
import { Tai64nSource } from '@shadownet/wireguard';
import type { NodeConfig } from '../config.js';
import type { ControlReply, ControlRequest } from '../control-socket/control-protocol.js';
import { ControlSocketServer } from '../control-socket/control-socket-server.js';
import { NodeError } from '../node-error.js';
import { NodeRelays } from '../relays/node-relays.js';
import { mappingNonce } from '../router/mapping-nonce.js';
import { NetworkStore, storedNetworkKey, type StoredNetwork } from '../state/stored-network.js';
import { StateDirectory } from '../state/state-directory.js';
import { lockState } from '../state/state-lock.js';
import { VERSION } from '../version.js';
import { monotonicNow, secureRandom, wallNanoseconds, wallNow } from './clock.js';
import { ControlClient } from './control-client.js';
import { describeFailure } from './control-failure.js';
import { deriveControlKeys } from './control-keys.js';
import { ControlSession, type ControlSessionHost, type MapChange, retryUntil } from './control-session.js';
import { EventReport } from './event-report.js';
import { ExplanationReports } from './explanation-reports.js';
import { proveJoinKey } from './join-proof.js';
import { LinkReports } from './link-reports.js';
import { MeshDevice } from './mesh-device.js';
import type { NodeLog } from './node-log.js';
import { OwnNetwork } from './own-network.js';
import { checkServerKey } from './server-key.js';
import { explainPeer } from './peer-explanation.js';
import { PeerPings } from './peer-pings.js';
import { askPolicy } from './policy-question.js';
import { describeNode } from './status-report.js';
import { Signal, within } from './signal.js';
import { announcedStunServers, resolveStunServers, type StunAnnouncement } from './stun-servers.js';
import { TunnelDriver } from './tunnel-driver.js';
import { serveUapi } from './uapi-service.js';

/** Makes the interface and what moves its packets: the machine's best in the program, memory in tests. */
export type OpenDataPlane = (choice: Omit<DataPlaneChoice, 'workerEntry'>) => Promise<OpenedDataPlane>;

export interface NodeRuntimeOptions {
  readonly config: NodeConfig;
  readonly log: NodeLog;
  readonly openDataPlane: OpenDataPlane;
  /** Somebody asked by the control socket that the node stops. */
  readonly onStopRequest: () => void;
  /** The node cannot go on. */
  readonly onFatal: (error: Error) => void;
}

/** An IPv6 interface must carry 1280 bytes, and every path does; more only once a larger path is proven. */
export const TUN_MTU = 1280;

/** Registration does not wait longer for a STUN server. */
const STUN_PATIENCE_MS = 500;
/** Nor does `ready` wait longer for the first network map, without which packets have no peer to go to. */
const MAP_PATIENCE_MS = 1_000;
/** How long a node that remembers its place in the network waits for the server, twice, before it comes up without. */
const SERVER_PATIENCE = seconds(2);
/** How soon it is noticed that the interface was deleted, or got another MTU. */
const INTERFACE_INTERVAL_MS = 500;

/** What exists from the moment on at which the node can talk to its control server. */
interface Core {
  readonly nodeId: string;
  readonly crypto: CryptoProvider;
  readonly serverKey: PublicKey;
  readonly store: NetworkStore;
  readonly dataPlane: DataPlane;
  readonly socket: UdpSocket;
  readonly tunnel: Tunnel;
  readonly driver: TunnelDriver;
  readonly client: ControlClient;
  readonly session: ControlSession;
  readonly network: OwnNetwork;
  readonly relays: NodeRelays;
  readonly pings: PeerPings;
}

type ConnectedParts = Omit<Core, 'network' | 'relays' | 'pings'>;

/** The address of the interface, and the network of the registration that it is from. */
interface Assignment {
  readonly address: string;
  readonly networkCidr: string;
}

export class NodeRuntime {
  readonly #options: NodeRuntimeOptions;
  readonly #links = new LinkReports();
  readonly #explanations = new ExplanationReports();
  readonly #report: EventReport;
  /** What to undo, the latest last. */
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  #core: Core | undefined;
  #joinProof: JoinProof | undefined;
  #assignment: Assignment | undefined;
  #registration: RegisterResponse | undefined;
  /** Of the last run. */
  #remembered: StoredNetwork | undefined;
  #networkCidr = '';
  readonly #firstReflexive = new Signal();
  readonly #firstMap = new Signal();
  #stopping: Promise<void> | undefined;

  constructor(options: NodeRuntimeOptions) {
    this.#options = options;
    this.#report = new EventReport(options.log);
  }

  /** Resolves when the node is usable, with a line about it. Throws NodeError, TunError or UdpError; call `stop` then, too. */
  async start(): Promise<string> {
    const { config, log } = this.#options;
    const deadline = addDuration(monotonicNow(), config.startTimeout);
    const core = await this.#connect(deadline);
    await this.#register(core, deadline);
    this.#raiseInterface(core);
    await this.#serveUapi(core);
    core.session.start();
    await within(MAP_PATIENCE_MS, this.#firstMap.promise);
    core.network.watch();
    log.event('ready', {});
    const { address, networkCidr } = this.#assignment!;
    const standing = core.session.connected ? 'registered with' : 'as it was; waiting for';
    return `${config.interfaceName} is up: ${address} in ${networkCidr}, ${standing} ${config.control.href}`;
  }

  /** Goodbye to the control server, interface gone, sockets closed. Works at any time, also in the middle of `start`. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      for (let undo = this.#cleanups.pop(); undo; undo = this.#cleanups.pop()) await undo();
    })();
    return this.#stopping;
  }

  // ── Start ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything up to the point where the node can register. */
  async #connect(deadline: Instant): Promise<Core> {
    const { config, log } = this.#options;
    const controlSocket = await ControlSocketServer.listen(config, (request) => this.#answer(request));
    this.#cleanups.push(() => controlSocket.close());

    const state = new StateDirectory(config.stateDirectory);
    this.#cleanups.push(await lockState(state.path));
    const { provider: crypto, fallbackReason: reason } = chooseCryptoProvider([evpCandidate, nodeCandidate]);
    log.event('crypto-provider', { name: crypto.name, ...(reason !== undefined && { reason }) });
    const { key, created } = state.loadPrivateKey(secureRandom);
    this.#cleanups.push(() => key.zero());
    const timestamps = this.#timestamps(state);
    const firstProbeCounter = state.takeProbeCounters(wallNanoseconds());
    const privateKey = crypto.privateKey(key.expose());
    const tunnel = new Tunnel(
      {
        crypto,
        random: secureRandom,
        timestamps,
        privateKey: key,
        firstProbeCounter,
        software: 'ShadowNet',
        workerPairs: config.workerPairs,
        guessing: config.portGuessing === 'on',
      },
      monotonicNow(),
    );
    log.event('keys-ready', { public_key: encodePublicKey(tunnel.publicKey), created });

    const dataPlane = await this.#openDataPlane();
    const driver = this.#drive(tunnel, dataPlane);
    const socket = this.#bindSocket(state, dataPlane);
    this.#cleanups.push(() => socket.close());
    driver.useSocket(socket);
    this.#cleanups.push(() => driver.close());

    const { publicKey } = tunnel;
    const client = new ControlClient({ url: config.control, crypto, random: secureRandom, publicKey, wallNow });
    this.#cleanups.push(() => client.close());
    const { info, serverKey, store } = await this.#meetServer({ client, state, crypto, key: key.expose() }, deadline);
    const keys = deriveControlKeys(crypto, privateKey, publicKey, serverKey);
    privateKey.zero();
    if (!keys) throw new NodeError('control-refused', 'the control server shows no valid key');
    client.useKeys(keys);

    this.#joinProof = config.joinKey && proveJoinKey(config.joinKey, publicKey, serverKey);
    const nodeId = state.loadNodeId();
    const host = this.#sessionHost();
    const session = new ControlSession({ client, host, log, random: secureRandom, now: monotonicNow });
    this.#cleanups.push(() => session.stop(nodeId));
    this.#networkCidr = info.network_cidr;
    const parts = { nodeId, crypto, serverKey, store, dataPlane, socket, tunnel, driver, client, session };
    const network = this.#ownNetwork(parts, mappingNonce(crypto, key.expose()));
    const relays = this.#nodeRelays(parts, key.expose(), state);
    const pings = new PeerPings(tunnel, (peer) => driver.run((_, now, out) => tunnel.ping(peer, now, out)));
    this.#core = { ...parts, network, relays, pings };
    await this.#askStunServers(this.#core, info);
    return this.#core;
  }

  /** A reservation that cannot be stored costs the guard against a clock that goes back, not the tunnel. */
  #timestamps(state: StateDirectory): Tai64nSource {
    const { log } = this.#options;
    return new Tai64nSource({
      wallNanoseconds,
      lastReserved: state.reservedTimestamps,
      reserve: (until) => {
        try {
          state.reserveTimestamps(until);
        } catch (error) {
          log.event('state-unwritable', { error: (error as Error).message });
        }
      },
    });
  }

  /** Its interface is there, so that what stands in the way of one is known before anybody hears of us; it has no address yet. */
  async #openDataPlane(): Promise<DataPlane> {
    const { config, log, openDataPlane, onFatal } = this.#options;
    const { dataPlane, fallbackReason: reason } = await openDataPlane({
      ...(config.dataPlane !== 'auto' && { kind: config.dataPlane }),
      workerPairs: config.workerPairs,
      tun: { name: config.interfaceName, mtu: TUN_MTU, addresses: [], initialState: 'down' },
    });
    this.#cleanups.push(() => dataPlane.close());
    dataPlane.tun.onClosed(onFatal);
    const { fewerWorkersReason } = dataPlane;
    log.event('data-plane', {
      kind: dataPlane.kind,
      workers: dataPlane.workerPairs,
      ...(reason !== undefined && { reason }),
      ...(fewerWorkersReason !== undefined && { fewer_workers_reason: fewerWorkersReason }),
    });
    return dataPlane;
  }

  #drive(tunnel: Tunnel, dataPlane: DataPlane): TunnelDriver {
    return new TunnelDriver({
      tunnel,
      dataPlane,
      now: monotonicNow,
      openExtraSocket: () => openLinuxUdp({ port: 0, mark: 0 }),
      onEvent: (event, now) => this.#onTunnelEvent(event, now),
      onFailure: (reason) => {
        throw reason;
      },
    });
  }

  /** On the port that was asked for, or the one of the last run if it is free, or any. */
  #bindSocket(state: StateDirectory, dataPlane: DataPlane): UdpSocket {
    const { config, log } = this.#options;
    const socket = openSocket(dataPlane, config.port !== 0 ? [config.port] : [state.port ?? 0, 0]);
    state.rememberPort(socket.port);
    log.event('socket-bound', { port: socket.port });
    return socket;
  }

  /**
   * The server's key, pinned before or now, and where its STUN server is. A server that does not answer for a while is taken as it
   * was, by a node that remembers its place in the network.
   */
  async #meetServer(
    {
      client,
      state,
      crypto,
      key,
    }: { client: ControlClient; state: StateDirectory; crypto: CryptoProvider; key: Uint8Array },
    deadline: Instant,
  ): Promise<{ info: ServerAddress; serverKey: PublicKey; store: NetworkStore }> {
    const { config, log } = this.#options;
    const storeFor = (serverKey: PublicKey): NetworkStore => {
      const store = new NetworkStore({
        ...{ crypto, state, serverKey, key: storedNetworkKey(crypto, key), now: monotonicNow },
        onUnwritable: ({ message }) => log.event('state-unwritable', { error: message }),
      });
      this.#cleanups.push(() => store.flush());
      return store;
    };
    // A key that is not the given one counts for nothing.
    const pinned = acceptedPin(state.serverKey, config.controlKey);
    const stored = pinned && storeFor(pinned).load();
    this.#remembered = stored;
    try {
      const info = await this.#fetchServerInfo(client, stored ? this.#patience(deadline) : deadline);
      const serverKey = checkServerKey(info, state, log, config.controlKey);
      return { info, serverKey, store: storeFor(serverKey) };
    } catch (error) {
      if (!stored || !isUnreachable(error)) throw error;
      return { info: stored.registration, serverKey: pinned, store: storeFor(pinned) };
    }
  }

  /** Registers, or takes the place that the node remembers if the server is away. */
  async #register(core: Core, deadline: Instant): Promise<void> {
    const remembered = this.#remembered;
    try {
      await core.session.registerUntil(remembered ? this.#patience(deadline) : deadline);
    } catch (error) {
      if (!remembered || !isUnreachable(error)) throw error;
      const { registration, map } = remembered;
      this.#registration = registration;
      this.#networkCidr = registration.network_cidr;
      this.#options.log.event('network-remembered', {
        assigned_ip: registration.assigned_ip,
        peers: map.peers.length,
      });
      void core.relays.setRelays(registration.relays);
      this.#onMapChange(core, { kind: 'map', map });
    }
  }

  #patience(deadline: Instant): Instant {
    const soon = addDuration(monotonicNow(), SERVER_PATIENCE);
    return soon < deadline ? soon : deadline;
  }

  async #fetchServerInfo(client: ControlClient, deadline: Instant): Promise<ServerInfo> {
    let failed = false;
    return retryUntil(deadline, { now: monotonicNow, random: secureRandom }, async (late) => {
      const result = await client.fetchServerInfo(late);
      if (!result.ok && !failed) {
        failed = true;
        this.#options.log.event('control-unreachable', { error: describeFailure(result.failure) });
      }
      return result;
    });
  }

  /** Resolves with the first answer, or after 500 ms: what comes later goes into a heartbeat. */
  async #askStunServers(core: Core, announcement: StunAnnouncement): Promise<void> {
    const { config, log } = this.#options;
    const servers = config.stunServers ?? announcedStunServers(announcement, config.control);
    const endpoints = await resolveStunServers(servers, core.socket.families);
    if (endpoints.length === 0) {
      for (const { host, port } of servers) log.event('stun-unanswered', { server: `${host}:${port}` });
      this.#firstReflexive.raise();
    }
    core.driver.run((tunnel, now, out) => tunnel.setStunServers(endpoints, now, out));
    core.network.setStunServers({ endpoints, changesPort: config.stunServers === undefined });
    await within(STUN_PATIENCE_MS, this.#firstReflexive.promise);
  }

  /** Gives the interface the address that the control server has assigned, also another one later, and brings it up. */
  #raiseInterface({ driver, dataPlane }: Core): void {
    const { assigned_ip: ip, network_cidr: networkCidr } = this.#registration!;
    if (this.#assignment?.address === ip && this.#assignment.networkCidr === networkCidr) return;
    const address = parseIpAddress(ip);
    const network = parseIpPrefix(networkCidr);
    if (!address || !network)
      throw new NodeError('start-failed', `the control server assigned ${ip} in ${networkCidr}`);
    const { tun } = dataPlane;
    driver.run((tunnel) => tunnel.setVirtualAddresses([address]));
    tun.bringUp([{ address, length: network.length }]);
    if (!this.#assignment) {
      const watch = setInterval(() => driver.followInterface(), INTERFACE_INTERVAL_MS);
      // Before the goodbye to the control server, which may take its time.
      this.#cleanups.push(() => dataPlane.close());
      this.#cleanups.push(() => clearInterval(watch));
    }
    this.#assignment = { address: ip, networkCidr };
    const shown = `${formatIpAddress(address)}/${network.length}`;
    this.#options.log.event('interface-up', { interface: tun.name, address: shown, mtu: tun.mtu });
  }

  #readdressInterface(core: Core): void {
    try {
      this.#raiseInterface(core);
    } catch (error) {
      this.#options.onFatal(error as Error);
    }
  }

  async #serveUapi({ tunnel, socket }: Core): Promise<void> {
    const { config, log } = this.#options;
    const { interfaceName, uapiDirectory: directory } = config;
    if (directory === undefined) return;
    const target = new MeshDevice(tunnel, socket);
    this.#cleanups.push(await serveUapi({ directory, interfaceName, target, log }));
  }

  // ── Own addresses ─────────────────────────────────────────────────────────────────────────────────────────────────

  #ownNetwork({ session, ...parts }: ConnectedParts, nonce: Uint8Array): OwnNetwork {
    const { config, log } = this.#options;
    const network = new OwnNetwork({
      ...parts,
      log,
      now: monotonicNow,
      overlay: () => [parseIpPrefix(this.#networkCidr) ?? []].flat(),
      mappingNonce: config.portMapping === 'on' ? nonce : undefined,
      onChange: () => session.heartbeatNow(),
      onMoved: () => this.#core?.relays.refresh(),
    });
    this.#cleanups.push(() => network.close());
    return network;
  }

  #nodeRelays(parts: ConnectedParts, secret: Uint8Array, state: StateDirectory): NodeRelays {
    const { crypto, dataPlane, socket, driver, session } = parts;
    const { config, log } = this.#options;
    const privateKey = crypto.privateKey(secret);
    const lastTransport = state.relayTransport;
    const relays = new NodeRelays({
      ...{ crypto, random: secureRandom, hasher: new SipHasher(), privateKey, log, now: monotonicNow },
      control: config.control,
      families: socket.families,
      sessions: dataPlane.relaySessions,
      sendDatagram: (bytes, to) => socket.send(bytes, to),
      onEndpoints: (endpoints) => dataPlane.useRelays(endpoints),
      onRelayed: (bytes, path) => driver.receive(bytes, path),
      onRoutesChanged: (routes) => driver.run((tunnel) => tunnel.useRelayRoutes(routes)),
      onPeerRelay: (peer, relay) => driver.run((tunnel, now, out) => tunnel.setPeerRelay(peer, relay, now, out)),
      onRenewed: () => driver.run((tunnel, now, out) => tunnel.callAgain(now, out)),
      onTransport: (transport) => this.#rememberTransport(state, transport),
      onHomeChanged: () => session.heartbeatNow(),
      ...(lastTransport !== undefined && { lastTransport }),
    });
    driver.useRelays(relays);
    this.#cleanups.push(() => {
      relays.close();
      privateKey.zero();
    });
    return relays;
  }

  /** A transport that cannot be stored costs the next start 400 ms where no UDP passes. */
  #rememberTransport(state: StateDirectory, transport: RelayTransport): void {
    try {
      state.rememberRelayTransport(transport);
    } catch (error) {
      this.#options.log.event('state-unwritable', { error: (error as Error).message });
    }
  }

  #onTunnelEvent(event: TunnelEvent, now: Instant): void {
    this.#report.write(event, now);
    if (event.kind === 'pong') this.#core?.pings.onPong(event);
    if (event.kind === 'path-in-doubt') this.#core?.relays.proveAddress();
    if (event.kind === 'call-by-control') this.#core?.session.call(event.peer.publicKey, event.message);
    if (event.kind !== 'reflexive-changed') return;
    this.#firstReflexive.raise();
    this.#core?.network.onReflexiveChanged();
    this.#core?.relays.proveAddress();
    this.#core?.session.heartbeatNow();
  }

  // ── Control server ────────────────────────────────────────────────────────────────────────────────────────────────

  #sessionHost(): ControlSessionHost {
    return {
      registration: () => this.#registrationRequest(this.#core!),
      heartbeat: () => this.#heartbeat(this.#core!),
      onRegistered: (response) => this.#onRegistered(this.#core!, response),
      onRelays: (relays) => void this.#core!.relays.setRelays(relays),
      onMapChange: (change) => this.#onMapChange(this.#core!, change),
      onCall: (message) => this.#core!.driver.run((tunnel, now, out) => tunnel.handleCall(message, now, out)),
      mapVersion: () => this.#core!.tunnel.networkMap?.map_version,
    };
  }

  #registrationRequest(core: Core): RegisterRequest {
    return {
      id: core.nodeId,
      public_key: encodePublicKey(core.tunnel.publicKey),
      ...announcement(core),
      hostname: this.#options.config.hostname,
      os: `${type()} ${release()}`.replace(/[^\x20-\x7e]/g, '').slice(0, 64),
      version: VERSION,
      ...(this.#joinProof && { join: this.#joinProof }),
    };
  }

  #heartbeat(core: Core): { request: HeartbeatRequest; answered: () => void } {
    const now = monotonicNow();
    const { peers } = core.tunnel.status(now);
    const links = this.#links.collect(peers, now);
    const explained = this.#explanations.collect(
      peers.map(({ publicKey }) => publicKey),
      (peer) => core.tunnel.recordingOf(peer),
    );
    const explanations = explained.reports.length > 0 ? { explanations: explained.reports } : {};
    return {
      request: { id: core.nodeId, ...announcement(core), peers: links.reports, ...explanations },
      answered: () => {
        links.answered();
        explained.answered();
      },
    };
  }

  #onRegistered(core: Core, response: RegisterResponse): void {
    const { peer_id, assigned_ip, network_cidr } = response;
    const again = this.#registration !== undefined;
    this.#registration = response;
    this.#networkCidr = network_cidr;
    this.#links.reset();
    this.#explanations.reset();
    this.#options.log.event('registered', { peer_id, assigned_ip, network_cidr });
    if (!again) return;
    this.#readdressInterface(core);
    void this.#askStunServers(core, response);
  }

  #onMapChange({ driver, relays, store, tunnel }: Core, change: MapChange): boolean {
    const update = driver.run((tunnel, now, out) =>
      change.kind === 'map'
        ? tunnel.updateNetworkMap(change.map, now, out)
        : tunnel.applyMapDelta(change.delta, now, out),
    );
    if (!update.ok) return update.reason !== 'map-needed';
    if (this.#registration) store.remember({ registration: this.#registration, map: tunnel.networkMap! });
    relays.setPeers(tunnel.peers);
    this.#firstMap.raise();
    if (update.added + update.changed + update.removed > 0) {
      const { version, peers, added, removed } = update;
      this.#options.log.event('map-updated', {
        version: `${version.epoch}.${version.sequence}`,
        peers,
        added,
        removed,
      });
    }
    return true;
  }

  // ── Control socket ────────────────────────────────────────────────────────────────────────────────────────────────

  #answer(request: ControlRequest): ControlReply | Promise<ControlReply> {
    if (request.command === 'stop') {
      this.#options.onStopRequest();
      return { ok: true, result: null };
    }
    const core = this.#core;
    const assignment = this.#assignment;
    if (!core || !assignment) return { ok: false, error: 'the node is still starting' };
    if (request.command === 'explain') return explainPeer(core.tunnel, request.peer, monotonicNow());
    if (request.command === 'ping') return core.pings.ping(request.peer, monotonicNow());
    if (request.command === 'can') return askPolicy(core.client, request);
    return { ok: true, result: describeNode({ config: this.#options.config, ...core, ...assignment }, monotonicNow()) };
  }
}

/** What of the server's word about itself is needed to go on. */
type ServerAddress = StunAnnouncement & Pick<ServerInfo, 'network_cidr'>;

function isUnreachable(error: unknown): boolean {
  return error instanceof NodeError && error.code === 'control-unreachable';
}

function acceptedPin(pinned: PublicKey | undefined, given: PublicKey | undefined): PublicKey | undefined {
  return pinned && given && !publicKeysEqual(pinned, given) ? undefined : pinned;
}

/** On the first of these ports that is free; the last failure is thrown, a UdpError. */
function openSocket(dataPlane: DataPlane, [port, ...others]: readonly number[]): UdpSocket {
  try {
    return dataPlane.openSocket({ port: port ?? 0, mark: 0 });
  } catch (error) {
    if (!(error instanceof UdpError) || others.length === 0) throw error;
    return openSocket(dataPlane, others);
  }
}

/** Where we are, for registration and heartbeat. */
function announcement({ tunnel, relays }: Core): Omit<HeartbeatRequest, 'id' | 'peers'> {
  const { endpoint } = tunnel;
  return {
    endpoint_ip: endpoint ? formatIpAddress(endpoint.address) : null,
    endpoint_port: endpoint?.port ?? null,
    candidates: tunnel.candidates.flatMap(({ kind, endpoint: { address, port } }) =>
      kind === 'peer-reflexive' ? [] : [{ kind, ip: formatIpAddress(address), port }],
    ),
    home_relay: relays.home ?? null,
  };
}
