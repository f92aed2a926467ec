// Something that happens once and may be waited for, but not for ever.

export class Signal {
  readonly promise: Promise<void>;
  /** It has happened. Further calls do nothing. */
  raise: () => void = () => {};

  constructor() {
    this.promise = new Promise((resolve) => {
      this.raise = resolve;
    });
  }
}

/** Resolves with the promise, or after so many milliseconds without it. */
export async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, patience]);
  clearTimeout(timer);
}
