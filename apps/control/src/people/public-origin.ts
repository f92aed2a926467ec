// How people reach the server, like https://vpn.example.com: from --public-url, or where it listens once it does.

import { Injectable } from '@nestjs/common';

@Injectable()
export class PublicOrigin {
  /** Without a slash at its end. */
  url = '';
}
