// Ages in words short enough for a table cell, and the exact instant behind them. Instants are RFC 3339 text, as the API has them.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds from `instant` to `now` (both since the Unix epoch); an instant in the future has age 0. */
export function ageOf(instant: string, now: number): number {
  return Math.max(0, now - Date.parse(instant));
}

/** `now`, `42 s`, `3 min`, `5 h`, `2 d`: whole units, rounded down. */
export function formatAge(age: number): string {
  if (age < SECOND) return 'now';
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h`;
  return `${Math.floor(age / DAY)} d`;
}

/** `now`, `42 s ago`. */
export function formatTimeAgo(instant: string, now: number): string {
  const text = formatAge(ageOf(instant, now));
  return text === 'now' ? text : `${text} ago`;
}

/** A formatter of instants: date and time to the second with the zone's name, for the viewer unless told otherwise. */
export function exactTimeFormat(locale?: string, timeZone?: string): (instant: string) => string {
  const format = new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'long',
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return (instant) => format.format(new Date(instant));
}
