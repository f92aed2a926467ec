import { Module } from '@nestjs/common';
import { LinksController } from './links.controller.js';
import { PathExplanations } from './path-explanations.js';

@Module({ controllers: [LinksController], providers: [PathExplanations], exports: [PathExplanations] })
export class ExplanationsModule {}
