import { measureIntervalMs, type VolumeRoom } from './volume-room.ts';

/** Measures volumes twice a second, so that no block has to, and keeps their ballast. */
export class DiskWatch implements AsyncDisposable {
  readonly #rooms: readonly VolumeRoom[];
  readonly #timer: NodeJS.Timeout;

  private constructor(rooms: readonly VolumeRoom[]) {
    this.#rooms = rooms;
    const look = () => {
      for (const room of rooms) void room.look();
    };
    this.#timer = setInterval(look, measureIntervalMs);
    look();
  }

  /** The first ballast is made behind the start. */
  static async open(rooms: readonly VolumeRoom[]): Promise<DiskWatch> {
    await Promise.all(rooms.map((room) => room.measure()));
    return new DiskWatch(rooms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#rooms.map((room) => room.look()));
  }
}
