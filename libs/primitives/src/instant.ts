// Points and spans of monotonic time in milliseconds (fractions allowed). Pure code is handed `now`; it never asks a clock.

declare const instantBrand: unique symbol;
declare const durationBrand: unique symbol;

/** Milliseconds since an arbitrary, monotonic origin. Only differences between two of them mean anything. */
export type Instant = number & { readonly [instantBrand]: true };

/** A span of time in milliseconds. */
export type Duration = number & { readonly [durationBrand]: true };

export const instant = (ms: number): Instant => ms as Instant;
export const milliseconds = (count: number): Duration => count as Duration;
export const seconds = (count: number): Duration => (count * 1000) as Duration;
export const minutes = (count: number): Duration => (count * 60_000) as Duration;

export const addDuration = (at: Instant, span: Duration): Instant => (at + span) as Instant;

/** How long after `start` the instant `end` is; negative if it is before. */
export const durationBetween = (start: Instant, end: Instant): Duration => (end - start) as Duration;
