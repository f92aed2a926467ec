// One transaction on a UAPI socket, for what `wg` has no words for.
import { connect } from 'node:net';

/** `lines` without the empty line that ends a request. The answer likewise. */
export function askUapi(socketPath: string, lines: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const connection = connect(socketPath, () => connection.write(`${lines.join('\n')}\n\n`));
    let answer = '';
    connection.setTimeout(5000, () => connection.destroy(new Error(`${socketPath} does not answer`)));
    connection.on('error', reject);
    connection.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      if (!answer.endsWith('\n\n')) return;
      connection.destroy();
      resolve(answer.trimEnd().split('\n'));
    });
    connection.on('end', () => reject(new Error(`${socketPath} ended in the middle of an answer`)));
  });
}

/** A key as UAPI writes it. */
export function keyInHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
