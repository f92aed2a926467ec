/** The version that the node prints, and tells the control server. */
export const VERSION = '0.1.0';
