// What the specs of the apps use: `@shadownet/relayhost/testing`.

export { bundleRelayWorker } from './bundled-relay.contract.js';
export { ClientShell } from './client-shell.contract.js';
