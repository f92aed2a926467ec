// What the benchmark measures, as data: a name, a unit, and which way is better. Used by the cases, the gates and the report.

export type Unit =
  'bits/s' | 'packets/s' | 'handshakes/s' | 'milliseconds' | 'cpu-seconds/gigabyte' | 'bytes' | 'percent';

export interface Metric {
  readonly title: string;
  readonly unit: Unit;
  /** 'neither' explains another number (what was offered, say) and gets no ratio. */
  readonly better: 'higher' | 'lower' | 'neither';
}

export const METRICS = {
  'tcp-1': { title: 'TCP, 1 stream', unit: 'bits/s', better: 'higher' },
  'tcp-8': { title: 'TCP, 8 streams', unit: 'bits/s', better: 'higher' },
  'tcp-bidir': { title: 'TCP, both directions at once (sum)', unit: 'bits/s', better: 'higher' },
  cpu: { title: 'CPU of both ends, TCP with 1 stream', unit: 'cpu-seconds/gigabyte', better: 'lower' },
  'udp-1372': { title: 'UDP, 1,372 bytes, received', unit: 'packets/s', better: 'higher' },
  'udp-1372-offered': { title: 'UDP, 1,372 bytes, offered', unit: 'packets/s', better: 'neither' },
  'udp-64': { title: 'UDP, 64 bytes, received', unit: 'packets/s', better: 'higher' },
  'udp-64-offered': { title: 'UDP, 64 bytes, offered', unit: 'packets/s', better: 'neither' },
  handshakes: { title: 'Handshakes answered as responder', unit: 'handshakes/s', better: 'higher' },
  'handshakes-lost': { title: 'Handshakes not answered', unit: 'percent', better: 'neither' },
  'handshakes-cookies': { title: 'Handshakes for which a cookie was asked', unit: 'percent', better: 'neither' },
  'rtt-slow-p50': { title: 'Ping, 1 a second, p50', unit: 'milliseconds', better: 'lower' },
  'rtt-slow-p99': { title: 'Ping, 1 a second, p99', unit: 'milliseconds', better: 'lower' },
  'rtt-fast-p50': { title: 'Ping, 100 a second, p50', unit: 'milliseconds', better: 'lower' },
  'rtt-fast-p99': { title: 'Ping, 100 a second, p99', unit: 'milliseconds', better: 'lower' },
  'rtt-load-p50': { title: 'Ping under TCP load, p50', unit: 'milliseconds', better: 'lower' },
  'rtt-load-p99': { title: 'Ping under TCP load, p99', unit: 'milliseconds', better: 'lower' },
  'rtt-load-lost': { title: 'Pings lost under TCP load', unit: 'percent', better: 'neither' },
  start: { title: 'Start of the process to the first answered ping', unit: 'milliseconds', better: 'lower' },
  'rss-idle': { title: 'RSS idle, larger end', unit: 'bytes', better: 'lower' },
  'rss-load': { title: 'RSS under load, peak, larger end', unit: 'bytes', better: 'lower' },
  'rss-peers-1000': { title: 'RSS with 1,000 peers, larger end', unit: 'bytes', better: 'lower' },
  'tcp-peers-1': { title: 'TCP, 1 stream, 1 peer', unit: 'bits/s', better: 'higher' },
  'tcp-peers-1000': { title: 'TCP, 1 stream, 1,000 peers and 10,000 allowed IPs', unit: 'bits/s', better: 'higher' },
  'cpu-peers-1': {
    title: 'CPU of both ends, 1 peer',
    unit: 'cpu-seconds/gigabyte',
    better: 'lower',
  },
  'cpu-peers-1000': {
    title: 'CPU of both ends, 1,000 peers and 10,000 allowed IPs',
    unit: 'cpu-seconds/gigabyte',
    better: 'lower',
  },
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof METRICS;

export const METRIC_IDS = Object.keys(METRICS) as MetricId[];

export function metricOf(id: MetricId): Metric {
  return METRICS[id];
}

/** What one case found in one round. */
export type Measurements = Partial<Record<MetricId, number>>;
