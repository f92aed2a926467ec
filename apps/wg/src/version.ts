/** The version that `shadownet-wg --version` prints. */
export const VERSION = '0.1.0';
