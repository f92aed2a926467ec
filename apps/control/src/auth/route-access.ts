// All routes of the server's controllers, and the check at the start that each says who may call it.

import { Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { accessLevelsOf } from './access.js';

@Injectable()
export class RouteAccess implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    for (const { metatype } of this.discovery.getControllers()) {
      if (metatype) requireAccess(metatype as Type<object>, this.scanner);
    }
  }
}

/** Throws if a route of the controller has no @Access, or if both the route and its controller have one. */
export function requireAccess(controller: Type<object>, scanner: MetadataScanner): void {
  const prototype = controller.prototype as Record<string, object>;
  for (const name of scanner.getAllMethodNames(prototype)) {
    const handler = prototype[name]!;
    if (!Reflect.hasMetadata(METHOD_METADATA, handler)) continue;
    const count = accessLevelsOf(handler, controller).length;
    if (count !== 1) throw new Error(`route ${controller.name}.${name} has ${count} @Access instead of one`);
  }
}
