// An OpenID provider in a process of its own, for specs. Argument: the client's redirect URI. Prints its issuer.
// Whoever signs in as NAME is believed; root is in the group net-admins, mallory in none, all others in staff.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const groups = { root: ['net-admins', 'staff'], mallory: [] };
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'shadownet', client_secret: 'the-client-secret', redirect_uris: [process.argv[2]] }],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, groups: groups[sub] ?? ['staff'] }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ['a key for cookies of tests'] },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
