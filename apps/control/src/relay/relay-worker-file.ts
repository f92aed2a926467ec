/** The injection token of the file that the relay's thread runs, a URL. */
export const RELAY_WORKER = Symbol('RELAY_WORKER');
