// What the server counts and measures of itself, for Prometheus: requests as they end, the rest when it is asked for.

import { Injectable } from '@nestjs/common';
import { formatRelayMetrics } from '@shadownet/relayhost';
import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EventStreams } from '../events/event-streams.js';
import { NodeRoster } from '../network-map/node-roster.js';
import { RelayService } from '../relay/relay.service.js';
import { StunService } from '../stun/stun.service.js';

/** Of seconds: from an answer out of memory to one that waits for a busy disk. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Requests that no route took: what strangers ask for must not make new time series. */
const NO_ROUTE = 'none';
/** The dashboard's files, and everything that is none of them. */
const ALL_PATHS = '/{*path}';
/** Their requests last for as long as the node is online. */
const STREAM_ROUTE = /\/events$/;

@Injectable()
export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #requests = new Histogram({
    name: 'shadownet_http_request_duration_seconds',
    help: 'Requests until their answer was sent, by route; event streams only if they were refused',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS,
    registers: [this.#registry],
  });

  constructor(
    private readonly roster: NodeRoster,
    private readonly streams: EventStreams,
    private readonly stun: StunService,
    private readonly relay: RelayService,
  ) {
    this.contentType = this.#registry.contentType;
    collectDefaultMetrics({ register: this.#registry });
    this.#collect('shadownet_nodes', 'Registered nodes', ['state'], (gauge) => {
      let online = 0;
      for (const node of this.roster.nodes()) if (node.online) online += 1;
      gauge.set({ state: 'online' }, online);
      gauge.set({ state: 'offline' }, this.roster.size - online);
    });
    this.#collect('shadownet_event_streams', 'Open event streams', [], (gauge) => gauge.set(this.streams.size));
    this.#collect('shadownet_map_sequence', 'Changes of the network map since its epoch began', [], (gauge) =>
      gauge.set(this.roster.version.sequence),
    );
    const stunAnswers = new Counter({
      ...{ name: 'shadownet_stun_requests_total', help: 'Datagrams at the STUN server, by what became of them' },
      ...{ labelNames: ['outcome'], registers: [this.#registry] },
      collect: () => {
        stunAnswers.reset();
        for (const [outcome, count] of Object.entries(this.stun.counters)) stunAnswers.inc({ outcome }, count);
      },
    });
  }

  /** Measures each request that passes it; the first part of the pipeline. */
  measureRequests(): RequestHandler {
    return (request, response, next) => {
      const startedAt = process.hrtime.bigint();
      response.once('finish', () => {
        const path = (request.route as { path?: unknown } | undefined)?.path;
        const route = typeof path === 'string' && path !== ALL_PATHS ? path : NO_ROUTE;
        if (STREAM_ROUTE.test(route) && response.statusCode === 200) return;
        const labels = { method: request.method, route, status: String(response.statusCode) };
        this.#requests.observe(labels, Number(process.hrtime.bigint() - startedAt) / 1e9);
      });
      next();
    };
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    const [own, relay] = await Promise.all([this.#registry.metrics(), this.relay.counters()]);
    return relay ? `${own}\n${formatRelayMetrics(relay)}` : own;
  }

  #collect(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: (): void => collect(gauge),
    });
  }
}
