// Finds out which person sends a request, by what the request proves.

import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { CONFIG, type ControlConfig } from '../config.js';
import { isAtAdminSocket } from './admin-socket.js';
import type { Person } from './person.js';

const LOCAL: Person = { role: 'admin', actor: 'local' };
const ANYBODY: Person = { role: 'viewer', actor: 'anybody' };

@Injectable()
export class PersonCheck {
  constructor(@Inject(CONFIG) private readonly config: ControlConfig) {}

  /** Undefined if it proves nothing that counts here. */
  async personOf(request: Request): Promise<Person | undefined> {
    if (isAtAdminSocket(request)) return LOCAL;
    return this.config.open ? ANYBODY : undefined;
  }
}
