// The sockets beside the node's own by which ports of hard NATs are guessed (libs/paths, port-guessing.ts): opened when the path agent
// asks for them, closed when it needs them no more. The one that hits becomes a path, and stays open while that is in use.

import { type Path, type UdpPath, udpPath } from '@shadownet/primitives';
import { UdpError, type UdpSocket } from '@shadownet/udp';

export interface ExtraSocketsOptions {
  /** On any free port. Throws UdpError. */
  readonly open: () => UdpSocket;
  readonly onDatagram: (datagram: Uint8Array, from: Path) => void;
}

/** Two peers' worth of guesses at a time, and descriptors to spare where a process may have 1,024. */
const MAX_OPEN = 512;

export class ExtraSockets {
  readonly #options: ExtraSocketsOptions;
  /** By their number in paths; the node's own socket is number 0. */
  readonly #sockets = new Map<number, UdpSocket>();
  #lastNumber = 0;

  constructor(options: ExtraSocketsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** The numbers of the new ones: `count`, or as many as there may be. */
  open(count: number): number[] {
    const numbers: number[] = [];
    while (numbers.length < count && this.#sockets.size < MAX_OPEN) {
      const socket = this.#tryOpen();
      if (!socket) break;
      const number = ++this.#lastNumber;
      this.#sockets.set(number, socket);
      socket.onDatagram((datagram, from, local) => {
        this.#options.onDatagram(datagram, { ...udpPath(from, local), socket: number });
      });
      numbers.push(number);
    }
    return numbers;
  }

  /** What is for a socket that was closed is dropped. */
  send(bytes: Uint8Array, { socket, remote }: UdpPath, trafficClass: number | undefined): void {
    this.#sockets.get(socket)?.send(bytes, remote, { trafficClass });
  }

  close(numbers: readonly number[]): void {
    for (const number of numbers) {
      void this.#sockets.get(number)?.close();
      this.#sockets.delete(number);
    }
  }

  closeAll(): void {
    this.close([...this.#sockets.keys()]);
  }

  /** Without a descriptor or a port left there are fewer guesses. */
  #tryOpen(): UdpSocket | undefined {
    try {
      return this.#options.open();
    } catch (error) {
      if (error instanceof UdpError) return undefined;
      throw error;
    }
  }
}
