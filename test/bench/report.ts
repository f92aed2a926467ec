// The benchmark's section of docs/benchmarks.md: gates and ratios first, then the absolute numbers, then all that is needed to judge
// and to repeat them.
import { type Contender, type Unavailable } from './contender.js';
import { type Gate, GATES, judge, SUBJECT, type Verdict } from './gates.js';
import { type Machine } from './machine.js';
import { METRIC_IDS, type MetricId, metricOf } from './metric.js';
import { formatNumber, formatRatio, formatSummary, formatValue, shownUnit } from './number-format.js';
import { type Results } from './results.js';

export interface ReportInput {
  readonly results: Results;
  /** Those that took part, in the order of their turns. */
  readonly contenders: readonly Contender[];
  readonly unavailable: readonly Unavailable[];
  /** Of all that are known, by id, whether they were asked to take part or not. */
  readonly titles: ReadonlyMap<string, string>;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  /** What to type to do it again. */
  readonly command: string;
}

const NOTHING = '–';

/** Markdown without the markers around it. */
export function writeReport(input: ReportInput): string {
  const parts = [
    '## Data plane',
    introduction(input),
    ...section('### Gates', gateTable(input)),
    ...section('### shadownet-wg : others, higher is better', ratioTable(input, 'higher')),
    ...section('### shadownet-wg : others, lower is better', ratioTable(input, 'lower')),
    ...section('### Absolute', absoluteTable(input)),
    ...section('### What failed', failureList(input)),
    '### Contenders',
    contenderList(input),
    '### Conditions',
    conditions(input),
    '### How it is measured',
    METHOD,
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(heading: string, body: string | undefined): string[] {
  return body === undefined ? [] : [heading, body];
}

function introduction({ machine, rounds, seconds, quick, command }: ReportInput): string {
  const warning = quick ? '**A quick run, which shows that everything works. Its figures mean little.**\n\n' : '';
  const times = rounds === 1 ? 'one round' : `medians of ${String(rounds)} rounds, (min–max)`;
  return `${warning}Measured on ${machine.date} at commit ${machine.commit}: ${times}, ${String(seconds)} s for each transfer. Again, as root: \`${command}\``;
}

// ── Gates ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function gateTable({ results, titles }: ReportInput): string {
  const rows = GATES.map((gate) => {
    const verdict = judge(gate, results);
    return [
      describeGate(gate, titles),
      gate.goal === undefined ? NOTHING : limit(gate, gate.goal),
      ...cells(gate, verdict),
    ];
  });
  return table(['gate', 'goal', 'measured', 'verdict'], rows);
}

function describeGate(gate: Gate, titles: ReadonlyMap<string, string>): string {
  const { title } = metricOf(gate.metric);
  const wanted = limit(gate, gate.gate);
  switch (gate.against.kind) {
    case 'contender':
      return `${title}: ${wanted} ${titles.get(gate.against.id) ?? gate.against.id}`;
    case 'own-metric':
      return `${title}: ${wanted} “${metricOf(gate.against.metric).title}”`;
    case 'absolute':
      return `${title}: ${wanted}`;
  }
}

function limit(gate: Gate, value: number): string {
  const sign = gate.direction === 'at-least' ? '≥' : '≤';
  if (gate.against.kind !== 'absolute') return `${sign} ${formatNumber(value)} ×`;
  const { unit } = metricOf(gate.metric);
  return `${sign} ${formatValue(value, unit)} ${shownUnit(unit)}`;
}

function cells(gate: Gate, verdict: Verdict): [string, string] {
  if (verdict.kind === 'not-measured') return [NOTHING, 'not measured'];
  const { unit } = metricOf(gate.metric);
  const { measured } = verdict;
  const value = gate.against.kind === 'absolute' ? formatSummary(measured, unit) : formatRatio(measured);
  switch (verdict.kind) {
    case 'goal-reached':
      return [value, 'goal reached'];
    case 'reached':
      return [value, 'reached'];
    case 'not-reached':
      return [value, '**not reached**'];
  }
}

// ── Ratios and absolute numbers ─────────────────────────────────────────────────────────────────────────────────────

function ratioTable({ results, contenders }: ReportInput, better: 'higher' | 'lower'): string | undefined {
  const rivals = contenders.filter(({ id }) => id !== SUBJECT);
  const rows = METRIC_IDS.filter((metric) => metricOf(metric).better === better).flatMap((metric) => {
    const ratios = rivals.map(({ id }) => results.ratio([SUBJECT, metric], [id, metric]));
    if (ratios.every((ratio) => ratio === undefined)) return [];
    return [[metricOf(metric).title, ...ratios.map((ratio) => (ratio === undefined ? NOTHING : formatRatio(ratio)))]];
  });
  return rows.length === 0 ? undefined : table(['', ...rivals.map(({ title }) => title)], rows);
}

function absoluteTable({ results, contenders }: ReportInput): string | undefined {
  const measured = (metric: MetricId): boolean => contenders.some(({ id }) => results.has(id, metric));
  const rows = METRIC_IDS.filter(measured).map((metric) => {
    const { title, unit } = metricOf(metric);
    const values = contenders.map(({ id }) => {
      const summary = results.summary(id, metric);
      return summary === undefined ? NOTHING : formatSummary(summary, unit);
    });
    return [title, shownUnit(unit), ...values];
  });
  return rows.length === 0 ? undefined : table(['', 'unit', ...contenders.map(({ title }) => title)], rows);
}

// ── What was measured, on what, how ─────────────────────────────────────────────────────────────────────────────────

function failureList({ results, titles }: ReportInput): string | undefined {
  if (results.failures.length === 0) return undefined;
  return list(
    results.failures.map(
      ({ contender, round, what, reason }) =>
        `${titles.get(contender) ?? contender}, ${what}, round ${String(round)}: ${reason.replaceAll('\n', ' ')}`,
    ),
  );
}

function contenderList({ contenders, unavailable }: ReportInput): string {
  return list([
    ...contenders.map(({ title, version }) => `${title}: ${version}`),
    ...unavailable.map(({ title, reason }) => `${title}: did not take part, ${reason}`),
  ]);
}

function conditions({ machine }: ReportInput): string {
  const load = machine.loadAverage.map((value) => value.toFixed(2)).join(', ');
  return list([
    `${machine.cpu}, ${String(machine.cores)} cores, ${formatNumber(machine.memoryBytes / 1e9)} GB; both hosts and what loads them share these cores`,
    `Linux ${machine.kernel}, TCP congestion control ${machine.congestionControl}`,
    `Node.js ${machine.node} with OpenSSL ${machine.openssl}, iperf3 ${machine.iperf3} with UDP socket buffers of ${formatNumber(machine.udpBufferBytes / 1e6)} MB`,
    `load average at the start: ${load} (what else runs takes from what is measured)`,
  ]);
}

const METHOD = list([
  'Two hosts are network namespaces joined by a veth pair, and both ends of a tunnel run the same program. Contenders take turns (A B C D, A B C D …), each with fresh namespaces, processes and keys. All are configured by `wg`, with an MTU of 1,420; the rest is as each program has it by default.',
  'A ratio is made of two values of one round, and its median is shown; so it may differ a little from the quotient of the medians below.',
  'TCP is `iperf3`, as its receiver counted, after two seconds that do not count. CPU is user and system time of both ends; what the kernel does outside of their processes (in soft interrupts) is nobody’s.',
  'UDP is `iperf3 --udp --bitrate 0`: one system call for each datagram, as fast as the sender can. *Offered* is what it sent. Where nearly all of it arrived, the sender was the limit. Where much was lost, the contender was, with what the sender and the receiver left it of the cores.',
  '1 peer and 1,000 peers are measured one right after the other, on the same tunnel.',
  'Pings are those of iputils. Under load there is one TCP stream in the same direction; lost pings are not part of the percentiles and have a row of their own.',
  'Handshakes: 1,000 peers at 1,000 addresses send prepared initiations, 64 under way at a time, and answer a cookie if they are asked for one. What counts is responses.',
  'Start: the far end is up, and a script configures the near one as soon as its socket is there; until `ping` has its first answer. Median of three starts in each round.',
  'RSS is that of the end that has more: VmRSS after the first ping, VmHWM after eight streams in both directions. Its gate is that of one pair of workers.',
]);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cellTexts: readonly string[]): string => `| ${cellTexts.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}
