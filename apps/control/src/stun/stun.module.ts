import { Module } from '@nestjs/common';
import { StunService } from './stun.service.js';

@Module({ providers: [StunService], exports: [StunService] })
export class StunModule {}
