// The base of every lib's error class. A code is stable API: kebab-case, documented where it is thrown, shown to users
// and mapped to problem+json (RFC 9457) by the control server. What a peer sends wrong is a value, not an error.

export class ShadowNetError<Code extends string = string> extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}
