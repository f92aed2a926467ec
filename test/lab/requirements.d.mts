export function whyNoLab(): string | undefined;
export function whyNoNamespaces(): string | undefined;
export function whyNoTun(path?: string): string | undefined;
export function whyNoIpv6(): string | undefined;
export function isInstalled(program: string): boolean;
