export { UapiError, type UapiErrorCode } from './uapi-error.js';
export { isServed, UAPI_DIRECTORY, type UapiLog, UapiSocket, uapiSocketPath, type UapiTarget } from './uapi-socket.js';
