// The web page that one host of a lab serves to another over the mesh. Arguments: address, port, the host's name.
import { createServer } from 'node:http';

const [address, port, name] = process.argv.slice(2);

createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`Hello ${request.socket.remoteAddress}, this is ${name} at ${address}.\n`);
}).listen(Number(port), address, () => process.stdout.write('listening\n'));
