export {
  type ConfigFile,
  firstClosedTo,
  type InstallationOptions,
  installService,
  ownCommand,
  uninstallService,
} from './installation.js';
export { ServiceError, type ServiceErrorCode } from './service-error.js';
export { formatUnit, quoteArgument, type ServiceUnit } from './unit.js';
