import { Module } from '@nestjs/common';
import { JoinKeys } from './join-keys.js';
import { JoinKeysController } from './join-keys.controller.js';

@Module({ controllers: [JoinKeysController], providers: [JoinKeys], exports: [JoinKeys] })
export class EnrolmentModule {}
