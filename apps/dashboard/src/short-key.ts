/** The first eight characters of a base64 key and an ellipsis: enough to tell the keys of one mesh apart by eye. */
export function shortKey(publicKey: string): string {
  return `${publicKey.slice(0, 8)}…`;
}
