// What is written to the control socket of shadownet-node.
import { parseControlRequest } from '../../../apps/node/src/control-socket/control-protocol.js';
import type { FuzzTarget } from '../fuzz-target.js';

export const controlSocketLine: FuzzTarget = {
  name: 'control-socket-line',
  inputs: 20_000,
  maxLength: 1024,
  start() {
    return {
      examples: () => [new TextEncoder().encode('{"command":"explain","peer":"a"}')],
      feed(input) {
        const request = parseControlRequest(new TextDecoder().decode(input));
        if (!request) return;
        const keys = Object.keys(request).join();
        if (keys !== ('peer' in request ? 'command,peer' : 'command')) throw new Error('more than a command');
      },
    };
  },
};
