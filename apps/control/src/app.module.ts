import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { LoggerModule, type Params } from 'nestjs-pino';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { CallsModule } from './calls/calls.module.js';
import { DashboardModule } from './dashboard/dashboard.module.js';
import { DatabaseModule } from './database/database.module.js';
import { EnrolmentModule } from './enrolment/enrolment.module.js';
import { EventsModule } from './events/events.module.js';
import { ExplanationsModule } from './explanations/explanations.module.js';
import { ProblemFilter } from './http/problem.filter.js';
import { type Foundation, IdentityModule } from './identity/identity.module.js';
import { FrameworkLogger } from './logging.js';
import { NetworkMapModule } from './network-map/network-map.module.js';
import { NodesModule } from './nodes/nodes.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { OverviewModule } from './overview/overview.module.js';
import { PeopleModule } from './people/people.module.js';
import { PolicyModule } from './policy/policy.module.js';
import { RelayModule } from './relay/relay.module.js';
import { StunModule } from './stun/stun.module.js';

@Module({})
export class AppModule {
  static with(foundation: Foundation, logging: Params): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(logging),
        ScheduleModule.forRoot(),
        IdentityModule.with(foundation),
        DatabaseModule,
        AuthModule,
        AuditModule,
        PeopleModule,
        StunModule,
        RelayModule,
        NetworkMapModule,
        EventsModule,
        EnrolmentModule,
        NodesModule,
        CallsModule,
        PolicyModule,
        OverviewModule,
        OperationsModule,
        ExplanationsModule,
        DashboardModule,
      ],
      providers: [FrameworkLogger, { provide: APP_FILTER, useClass: ProblemFilter }],
    };
  }
}
