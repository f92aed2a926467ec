export {
  type ConfigFile,
  firstClosedTo,
  type InstallationOptions,
  installService,
  ownCommand,
  uninstallService,
} from './installation.js';
export { ServiceError, type ServiceErrorCode } from './service-error.js';
export { formatUnit, quoteArgument, type ServiceUnit, type UnitArgument } from './unit.js';
