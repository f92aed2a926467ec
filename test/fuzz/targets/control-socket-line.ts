// What is written to the control socket of shadownet-node.
import { CONTROL_COMMANDS, parseControlRequest } from '../../../apps/node/src/control-socket/control-protocol.js';
import type { FuzzTarget } from '../fuzz-target.js';

export const controlSocketLine: FuzzTarget = {
  name: 'control-socket-line',
  inputs: 20_000,
  maxLength: 1024,
  start() {
    return {
      examples: () => [],
      feed(input) {
        const request = parseControlRequest(new TextDecoder().decode(input));
        if (request && !CONTROL_COMMANDS.includes(request.command)) throw new Error('an unknown command');
        if (request && Object.keys(request).length !== 1) throw new Error('more than a command');
      },
    };
  },
};
