// How the report writes numbers: in the unit of its metric, with as many digits as the measurement deserves.
import { type Unit } from './metric.js';
import { type Summary } from './statistics.js';

const SHOWN: Record<Unit, { readonly unit: string; readonly divisor: number }> = {
  'bits/s': { unit: 'Gbit/s', divisor: 1e9 },
  'packets/s': { unit: 'packets/s', divisor: 1 },
  'handshakes/s': { unit: 'per second', divisor: 1 },
  milliseconds: { unit: 'ms', divisor: 1 },
  'cpu-seconds/gigabyte': { unit: 's/GB', divisor: 1 },
  bytes: { unit: 'MB', divisor: 1e6 },
  percent: { unit: '%', divisor: 1 },
};

export function shownUnit(unit: Unit): string {
  return SHOWN[unit].unit;
}

/** In the shown unit, which is not part of the text. */
export function formatValue(value: number, unit: Unit): string {
  return formatNumber(value / SHOWN[unit].divisor);
}

/** `median (min–max)`, or the plain value if there is only one. */
export function formatSummary(summary: Summary, unit: Unit): string {
  return formatRange(summary, (value) => formatValue(value, unit));
}

/** `median × (min–max)`. */
export function formatRatio(summary: Summary): string {
  return formatRange(summary, formatNumber, ' ×');
}

/** Three significant digits, none of them after a hundred; 1,234 and 0.031. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 99.95 || value === 0 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function formatRange({ median, min, max, count }: Summary, format: (value: number) => string, suffix = ''): string {
  const middle = `${format(median)}${suffix}`;
  return count === 1 ? middle : `${middle} (${format(min)}–${format(max)})`;
}
