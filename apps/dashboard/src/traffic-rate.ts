// Rates from counters: what a link carries per second, from two successive reports of its lifetime totals.

export interface CounterReading {
  /** Milliseconds since the Unix epoch, on the server's clock. */
  readonly at: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** Bytes per second in each direction. */
export interface Rate {
  readonly rx: number;
  readonly tx: number;
}

/** The newest reading and what it says beside the one before. A plain object, so that equal ones can be shared. */
export interface TrafficSample extends CounterReading {
  /** Absent until two readings of the same run of the node are known. */
  readonly rate?: Rate;
}

/**
 * Takes a reading in. One that is not newer leaves the sample as it is. A counter that went down means that the node
 * started anew: its past is void, so there is no rate until the next reading.
 */
export function nextSample(previous: TrafficSample | undefined, reading: CounterReading): TrafficSample {
  if (!previous) return reading;
  if (reading.at <= previous.at) return previous;
  if (reading.rxBytes < previous.rxBytes || reading.txBytes < previous.txBytes) return reading;
  const seconds = (reading.at - previous.at) / 1_000;
  return {
    ...reading,
    rate: {
      rx: (reading.rxBytes - previous.rxBytes) / seconds,
      tx: (reading.txBytes - previous.txBytes) / seconds,
    },
  };
}

/** The sum of the rates that are known; undefined if none is. */
export function sumRates(rates: readonly (Rate | undefined)[]): Rate | undefined {
  const known = rates.filter((rate) => rate !== undefined);
  if (known.length === 0) return undefined;
  return {
    rx: known.reduce((sum, rate) => sum + rate.rx, 0),
    tx: known.reduce((sum, rate) => sum + rate.tx, 0),
  };
}

/** How many points a sparkline has: about a minute at one heartbeat every 2 s. */
export const HISTORY_LENGTH = 32;

/** Appends the rate of both directions together, and drops the oldest point of a full history. */
export function extendHistory(history: readonly number[], rate: Rate): readonly number[] {
  return [...history, rate.rx + rate.tx].slice(-HISTORY_LENGTH);
}
