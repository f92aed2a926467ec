// A relay's counters in the text format of Prometheus, wherever it runs.

import type { RelayHostCounters } from './worker-messages.js';

export function formatRelayMetrics({ clients, streams, core, udp, slowReceiver }: RelayHostCounters): string {
  const lines = [
    ...metric('shadownet_relay_clients', 'gauge', 'Nodes that are connected', clients),
    ...metric('shadownet_relay_websockets', 'gauge', 'WebSockets that are open', streams),
    ...metric('shadownet_relay_forwarded_frames_total', 'counter', 'Frames forwarded', core.forwardedFrames),
    ...metric('shadownet_relay_forwarded_bytes_total', 'counter', 'Payload forwarded', core.forwardedBytes),
    ...metric('shadownet_relay_challenges_total', 'counter', 'Hellos answered', core.challenges),
    ...metric('shadownet_relay_sessions_total', 'counter', 'Sessions begun', core.confirmed),
    ...head('shadownet_relay_dropped_frames_total', 'counter', 'Frames dropped, by reason'),
    ...Object.entries({ ...core.dropped, 'slow-receiver': slowReceiver }).map(
      ([reason, count]) => `shadownet_relay_dropped_frames_total{reason="${reason}"} ${count}`,
    ),
    ...head('shadownet_relay_send_errors_total', 'counter', 'Datagrams that the system did not take, by errno'),
    ...Object.entries(udp?.sendErrors ?? {}).map(
      ([errno, count]) => `shadownet_relay_send_errors_total{errno="${errno}"} ${count}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function metric(name: string, type: string, help: string, value: number): string[] {
  return [...head(name, type, help), `${name} ${value}`];
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}
